"""The closed loop: a teacher, attackers who harvest it, a student distilled from what they got, with and without enforcement."""
