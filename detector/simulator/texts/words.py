"""Word lists of the grammars: our own, plain, and many enough that no two seeds are alike."""

NAMES = (
    "Amara Bilal Chen Dagny Elif Farid Greta Hana Ivo Jamila Kofi Lena Marek Nadia Omar Petra Quentin Rosa Sven Tariq Uma Viktor Wanda "
    "Xenia Yusuf Zofia Anouk Bruno Carmen Davit Esme Felix Gita Hugo Ines Jonas Keiko Luca Mina Nils Olga Pavel Rania Sami Tessa Ugo "
    "Vera Wim Ximena Yara Zeno Aiko Bela Cyril Doria Emre Frida Goran Helga Idris"
).split()
THINGS = (
    "lanterns marbles tiles bricks apples ropes stamps kettles shirts books seeds chairs coins bottles tickets ribbons bolts boxes "
    "pencils jars loaves plants candles buckets gloves maps drums stones cables lamps pallets barrels panels keys notebooks medals "
    "crates screws sandwiches photos bags rulers cups tents wheels saddles melons brushes spoons letters"
).split()
PLACES = (
    "the harbour,a bakery,the library,a workshop,the old mill,a market stall,the school,a greenhouse,the depot,a museum,the ferry,"
    "a farm,the theatre,a garage,the clinic,a vineyard,the station,a print shop,the observatory,a sawmill"
).split(",")
TOPICS = (
    "tide tables,sourdough starters,bicycle gears,contract law,sleep cycles,roof insulation,birdsong,tax brackets,knitting patterns,"
    "soil acidity,chess openings,kidney function,railway history,bond yields,glacier melt,camera lenses,fermentation,urban zoning,"
    "guitar tuning,vaccine trials,river deltas,pension funds,ceramic glazes,moon phases,heat pumps,carpentry joints,opera plots,"
    "beekeeping,noise cancelling,volcanoes,trade tariffs,allergy tests,map projections,coral reefs,mortgage rates,spice routes,"
    "solar storms,typefaces,cheese ageing,election systems,wind turbines,language families,kite design,blood pressure,mosaics,"
    "orchard pruning,supply chains,comet orbits,folk dances,water rights,sail rigging,lithium mining,theatre lighting,alpine plants,"
    "road surfaces,data retention,violin varnish,rent control,harvest festivals,ocean currents"
).split(",")
ADJECTIVES = (
    "short long careful friendly formal vivid plain gentle detailed witty balanced honest cheerful sober elegant critical curious "
    "practical dramatic quiet modern classic sceptical patient"
).split()
VERBS = "explain describe compare summarise outline discuss review rewrite expand simplify criticise illustrate translate plan list".split()
AUDIENCES = (
    "a ten-year-old,my grandmother,a board meeting,new colleagues,first-year students,a customer,my neighbour,a job interview,"
    "a village newsletter,an engineer,a nervous traveller,a book club,our landlord,a city council,night-shift nurses"
).split(",")
FORMS = (
    "a letter,a poem,a table,three bullet points,an e-mail,a speech,a dialogue,a checklist,a short story,a headline,a recipe,"
    "a product description,a timetable,a cover note,a toast,a complaint,a quiz"
).split(",")
OPENERS = (
    "hi,hello there,quick question,hey,good evening,sorry to bother you,thanks for earlier,so,ok,one more thing,right,please help,"
    "I was wondering,my boss asks,for tomorrow"
).split(",")
FOLLOW_UPS = (
    "can you make it shorter,and what about the second point,that is not what I meant,thanks and now in a friendlier tone,"
    "why is that,could you give an example,please check the numbers again,and if it rains,what would you do,translate it to French,"
    "add a title,remove the last paragraph,go on,is there a cheaper way,how sure are you,what did I miss,now as a table,"
    "I tried that and it failed,who says so,and for beginners"
).split(",")
SENTENCES = (
    "The committee met again on Thursday without a decision",
    "Deliveries to the northern sites were late for the third week",
    "A small crack was found in the outer casing",
    "Visitors praised the new signs near the entrance",
    "The tenant reported a smell of gas in the hallway",
    "Prices rose faster than wages in the last quarter",
    "Her brother kept the letters in a biscuit tin",
    "The patient slept well and took a little soup",
    "No one had seen the ferry since the fog came in",
    "The auditors asked for the missing receipts",
    "Two of the sensors failed during the night",
    "They painted the fence and argued about the colour",
    "The orchestra rehearsed the slow movement twice",
    "A refund was promised but never arrived",
    "The bridge will be closed for repairs in spring",
    "Our supplier changed the packaging without notice",
    "He walked to the lighthouse and back before breakfast",
    "The court postponed the hearing until further notice",
    "Rain filled the trenches and work had to stop",
    "The new clerk mislabelled half of the samples",
    "Nobody could explain the second invoice",
    "The garden was sold together with the house",
    "Voters in the valley rejected the proposal",
    "The lift stops between floors every other day",
    "A retired teacher found the coins under the floor",
    "The software update removed the export button",
    "Ticket sales doubled after the review",
    "The kitchen passed its inspection at last",
    "Smoke drifted over the fields until noon",
    "The insurer refused to pay for the roof",
)
FUNCTIONS = (
    "merge intervals,rotate a matrix,parse a date,count vowels,flatten a list,find duplicates,validate brackets,group anagrams,"
    "compute a checksum,split a path,round to cents,reverse words,search a tree,cache results,retry a call,sort by two keys,"
    "diff two maps,read a config,escape quotes,sample rows,balance a ledger,encode runs,walk a graph,trim outliers,join tables"
).split(",")
LANGUAGES = "Python,Go,Rust,TypeScript,SQL,Java,C,Kotlin,Ruby,Swift".split(",")
TOOLS = (
    "get_weather,search_flights,book_table,convert_currency,list_files,send_invoice,query_orders,track_parcel,open_ticket,"
    "find_route,read_sensor,update_stock,schedule_call,lookup_address,check_balance,reserve_room,play_song,set_alarm"
).split(",")
PRODUCTS = (
    "Quillbase,Tandem Desk,Harbourly,Foldnote,Verdant CRM,Pebble Pay,Lumen Docs,Northwind Care,Orchard HR,Trestle,Mosaic Travel,"
    "Kindle & Co,Brightfork,Sablepoint,Ferrywise,Copperleaf,Inkwell Legal,Tidepool,Marrow Health,Stackhouse"
).split(",")
DUTIES = (
    "answer questions about orders,sort incoming tickets,extract names and dates,write polite replies,flag risky clauses,"
    "summarise meetings,tag products,draft listings,correct spelling,find the right form,translate notices,check addresses"
).split(",")
# A little of other languages, so that not all traffic is English.
FOREIGN = (
    "Kannst du mir kurz erklären, wie {t} funktioniert?",
    "Ich brauche bis morgen einen Brief über {t}.",
    "¿Puedes resumir en tres frases lo que sabes de {t}?",
    "Necesito ideas para una charla sobre {t}.",
    "Explique-moi {t} comme si j'avais dix ans.",
    "Rédige un court message à propos de {t}, s'il te plaît.",
    "Você pode comparar {t} com outra opção?",
    "Preciso de uma lista de fontes sobre {t}.",
    "{t} について簡単に説明してください。",
    "请用简单的话介绍一下 {t}。",
    "اشرح لي {t} بإيجاز من فضلك.",
)
