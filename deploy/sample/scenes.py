"""Everyday correspondence of a designer, scene by scene; every scene ends with nothing owed on either side.

A line begins with `T` when the other person writes it and with `M` when the owner does. Words in braces are filled
from `SLOTS`, the same word all through a scene.
"""

from msgspec import Struct

from deploy.sample.people import Language


class Scene(Struct, frozen=True):
    """One exchange: for whom it fits, its subject and its lines in order."""

    circles: str
    subject: str
    lines: tuple[str, ...]
    language: Language = "en"


SLOTS: dict[str, tuple[str, ...]] = {
    "ward": (
        "ward 4",
        "the night ward",
        "paediatrics",
        "the day clinic",
        "recovery",
        "ward 11",
        "the maternity unit",
    ),
    "city": (
        "Lisbon",
        "Turku",
        "Leipzig",
        "Porto",
        "Rotterdam",
        "Ghent",
        "Malmö",
        "Graz",
        "Bologna",
        "Utrecht",
    ),
    "place": (
        "Northgate",
        "Lindenhof",
        "the Harbour Library",
        "Sainte-Barbe",
        "Tidewater",
        "Rio Claro",
        "Kotikoulu",
    ),
    "doc": (
        "the interview guide",
        "the service blueprint",
        "the night-shift report",
        "the tender annex",
        "the pilot summary",
        "the workshop notes",
        "the pattern library page",
        "the consent form",
    ),
    "thing": (
        "the dimming panel",
        "the wall switch labels",
        "the corridor sensors",
        "the bedside remote",
        "the scene presets",
        "the Aurora dashboard",
        "the glare readings",
        "the onboarding flow",
    ),
    "n": ("three", "four", "six", "seven", "nine", "eleven", "fourteen"),
    "topic": (
        "light and sleep",
        "trust in automation",
        "design for night workers",
        "pricing for public buyers",
        "repairable hardware",
        "co-design with nurses",
        "measuring comfort",
        "teaching service design",
    ),
    "month": ("January", "March", "May", "June", "September", "October"),
    "food": (
        "the Georgian place",
        "that ramen bar",
        "the canteen by the canal",
        "the bakery on the corner",
        "Café Linden",
    ),
}

SCENES: tuple[Scene, ...] = (
    # With colleagues.
    Scene(
        "team",
        "Synthesis wall",
        (
            "T I moved the {ward} notes to the big wall so we can cluster them without tripping over the plants. Two themes keep coming back: nobody trusts {thing} after midnight, and everybody has invented a workaround. The best one involves a pizza box.",
            "M The pizza box has to go on a slide. I walked past at lunch and added the quotes from {place}; they are the yellow ones. The midnight theme is stronger than I expected.",
            "T Agreed, and it survives without the loudest three interviews. I took them out to check.",
        ),
    ),
    Scene(
        "team company",
        "Numbers for the steering round",
        (
            "T Which figures do you want on the page about {place}? I have response times, overrides per night and the survey, but all of it at once is a wall of bars.",
            "M Overrides per night, by week, nothing else. The survey goes into the spoken part. They remember one picture at most.",
            "T One picture it is. It is in the folder, second tab.",
        ),
    ),
    Scene(
        "team",
        "Prototype session on {thing}",
        (
            "T Session went fine, {n} people came, one left early for a delivery (a baby, not a parcel). They all read the icon as a moon, so that debate is over. The long press is a different story: nobody found it.",
            "M Happy about the moon. The long press was my idea, so I am allowed to bury it. A second button then, even if the casing people sigh.",
            "T They sighed. Then they found a place for it.",
        ),
    ),
    Scene(
        "team company",
        "Desk swap",
        (
            "T Facilities would like our corner for the audit team in {month}. We would get the room with the good window in exchange, but lose the long wall.",
            "M The wall matters more than the window for us. I told them so and offered the small room by the stairs instead.",
            "T They took the small room. Wall saved.",
        ),
    ),
    Scene(
        "company",
        "Firmware 4.2 and the fade curve",
        (
            "T The new fade curve is in the nightly build. Four seconds instead of two, as your people asked. On the old drivers it steps visibly below ten per cent, nothing I can do about it there.",
            "M Four seconds feels right, I tried it in the lab yesterday. On the old drivers we can stop at twelve per cent; nobody in {ward} ever went lower anyway.",
            "T Twelve it is. Documented in the release notes under known limits.",
        ),
    ),
    Scene(
        "company",
        "Export from the logger",
        (
            "T Here is how to get the raw rows: choose the site, tick 'events', untick 'smooth'. The smoothing is what made your {ward} chart look asleep.",
            "M That explains two weeks of puzzlement. The raw rows show the 3 a.m. round beautifully. I am keeping the smooth version as a warning to others.",
        ),
    ),
    Scene(
        "company",
        "Time stamps on site logs",
        (
            "M Short one: are the controller logs in local time or UTC? The shift handover seems to happen at five, and nurses swear it is six.",
            "T UTC, all of them, since version 3. So six it is, in winter. The nurses are right, as ever.",
        ),
    ),
    Scene(
        "company",
        "Access for the new interns",
        (
            "M Could you give Amélie's team read access to the {place} recordings? They need it for the coding session.",
            "T Done, read only, until the end of {month}. The recordings without consent stay locked, that is on purpose.",
            "M Exactly right, that is how it should be.",
        ),
    ),
    Scene(
        "company",
        "Discount for {place}",
        (
            "T They asked for eight per cent on the second year. I can live with five if we keep the research days in. What is your floor on the days?",
            "M Six days, not fewer. Below that we are guessing, and they are paying us not to guess.",
            "T Six days and five per cent. They signed the heads of terms this morning.",
        ),
    ),
    Scene(
        "company",
        "Travel to {city}",
        (
            "T The train gets in at 11:40, so the site walk can start at noon. I booked the small hotel by the station again, the one with the terrible coffee.",
            "M The coffee builds character. I come a day earlier and meet you at the site entrance at noon.",
        ),
    ),
    Scene(
        "company",
        "Q-budget, research line",
        (
            "T You are at 62 per cent of the research line with four months to go, mostly incentives and travel. Nothing alarming, I only want to know if {city} is still planned.",
            "M It is, with two people instead of four. That leaves the line just under at year end, by my own sums.",
            "T Matches mine. I have marked it as committed.",
        ),
    ),
    Scene(
        "company team",
        "Interview loop for the researcher role",
        (
            "T Two candidates are left. One has the deeper hospital background, the other ran the best exercise I have seen in years.",
            "M The exercise, for me. The hospital can be learned in a month of nights; noticing what people do not say takes longer.",
            "T The whole panel leans that way. I will make the call to her today.",
        ),
    ),
    Scene(
        "team",
        "Words on {thing}",
        (
            "T 'Rest mode' tested better than 'night mode' with everyone who works nights. They do not rest, they said, but the patients do, and it is the patients' light.",
            "M That is a lovely reason and a good name. Rest mode then, everywhere, also in the manual.",
            "T Changed in {n} places. The German manual still says Nachtbetrieb, which I find charming but will fix.",
        ),
    ),
    Scene(
        "team",
        "Offsite leftovers",
        (
            "T I typed up the cards from the offsite. The one that says only 'less' got the most votes and nobody admits to writing it.",
            "M It was not me, though I voted for it twice. The list is good. We start with the meeting-free Wednesday.",
        ),
    ),
    Scene(
        "team company",
        "Post-mortem {place}",
        (
            "T Draft of the post-mortem is in the folder. I kept names out and left the timeline in. The short version: we heard the warning in week two and filed it under 'feedback'.",
            "M Read it twice. It is fair and it is kind, which is rare for such papers. I added one paragraph on who could have stopped it: I could have.",
            "T Thanks for adding that. It changes the tone of the whole thing.",
        ),
    ),
    Scene(
        "company team",
        "Lunch talk on {topic}",
        (
            "T You are down for the lunch talk in {month}. Twenty minutes, no slides needed, the sofa crowd prefers stories.",
            "M Stories it is. Title: 'What nurses do with tape'. I am bringing the tape.",
        ),
    ),
    Scene(
        "team",
        "Recruiting for {ward}",
        (
            "T We have {n} yeses for the night visits, all on different rotas. The ward clerk drew me a calendar by hand, I want to frame it.",
            "M Do frame it. Take the early ones first, people are frank before the first alarm. I take the Sunday.",
            "T Sunday is yours. Bring thick socks, the corridor is cold.",
        ),
    ),
    # With clients.
    Scene(
        "client",
        "Site visit to {ward}",
        (
            "T The visit is cleared with the matron. Please come through the east entrance, the west one is closed for the roof. Two of my people will walk with you for the first hour.",
            "M East entrance, noted. We are three: Lena, Nikhil and me. We bring our own badges and quiet shoes.",
            "T Quiet shoes are the best recommendation anyone has brought so far.",
        ),
    ),
    Scene(
        "client",
        "{ward}: first week with the new scenes",
        (
            "T First impressions after a week: the night staff stopped taping over the sensor, which I take as praise. One complaint, about the bathroom light at four in the morning.",
            "M The tape is the best survey we have. The bathroom was on the day schedule by mistake; it was corrected on Tuesday evening and should be gentle now.",
            "T It is gentle now. The complainant sends her regards.",
        ),
    ),
    Scene(
        "client",
        "Steering group minutes",
        (
            "T Minutes attached. I softened the sentence about the budget freeze, you will see why.",
            "M The softer version is wiser. One correction only: it was {n} rooms, not the whole floor. Otherwise it reads exactly as I remember it.",
            "T Corrected and sent round.",
        ),
    ),
    Scene(
        "client",
        "Comparing {thing} across sites",
        (
            "T We have two sites on the new panel and one on the old. Is a comparison over six weeks worth anything, or is the sample too small to be honest?",
            "M Six weeks is enough to see whether people fight it. It is not enough for sleep. I would call it a usability comparison and keep the word 'outcome' out of it.",
            "T That is a distinction my board will understand. We do it that way.",
        ),
    ),
    Scene(
        "client",
        "Purchase order",
        (
            "T Procurement has issued the order at last. The number is on page one, quote it on everything or it disappears into a basement.",
            "M Wonderful, I have passed it on to Dmitri and taught him about the basement.",
        ),
    ),
    Scene(
        "client",
        "Photographs from {ward}",
        (
            "T The communications team loves the photographs and wants two for the annual report. All the faces in them have signed.",
            "M Numbers 14 and 22 are the strongest, both with the evening light. Credit goes to Sigrid Halvorsen, please.",
            "T 14 and 22, with credit. The chair has already asked for a print of 22.",
        ),
    ),
    Scene(
        "client",
        "A word about the tender",
        (
            "T Off the record: the weighting changed. Quality now counts for sixty, price for forty. It will be public on Monday.",
            "M That is the right way round for the people in the beds. We had written it for the old weighting, so I am glad of the quiet weekend.",
        ),
    ),
    Scene(
        "client",
        "Training for the night team",
        (
            "M We could do the training in two halves, at 21:00 before the shift and at 6:30 after it. Which one is less cruel?",
            "T Before the shift. After it nobody listens to anybody, and rightly so. Half an hour is plenty.",
            "M Half an hour before, then, with cake.",
            "T With cake you may have forty minutes.",
        ),
    ),
    Scene(
        "client",
        "Moving the workshop",
        (
            "T I have to move our workshop, the inspectors announced themselves for that very day. The week after is open from Tuesday on.",
            "M Inspectors go first. Wednesday of that week at ten works for all of us, the room is the same.",
            "T Wednesday at ten. Confirmed on our side.",
        ),
    ),
    Scene(
        "client",
        "Data protection sign-off",
        (
            "T Our data protection officer went through the logging description. She has no objection since no person can be told from the rows. She liked the sentence about the 90 days.",
            "M Please tell her the sentence was Kofi's. I am relieved, and we switch the logger on next Monday.",
            "T She would like to meet Kofi. She says this never happens.",
        ),
    ),
    Scene(
        "client",
        "Results from the survey",
        (
            "T The staff survey is in: 71 per cent find {thing} helpful, 9 per cent want it gone. The 9 per cent write the longest comments.",
            "M The 9 per cent are the ones to have tea with. I read all their comments on the train; four of them describe the same dead spot by the window.",
            "T Facilities found the dead spot. A sensor was behind a poster about sensors.",
        ),
    ),
    # With partners.
    Scene(
        "partner",
        "Illustrations for the report",
        (
            "T Here are the first {n} sketches. I drew the nurse with her sleeves rolled up since all your photos show it that way. The dog in the corridor is a joke, but I would keep it.",
            "M The dog stays. The third one is exactly the feeling of the place at four in the morning. Slightly less blue in the last, the light is warmer than that by then.",
            "T Warmer and sent to print. The dog thanks you.",
        ),
    ),
    Scene(
        "partner",
        "Fieldwork in {city}",
        (
            "T Team is back from {city} with {n} interviews and one very long ride in a laundry van. The van was the best interview of all.",
            "M Laundry always knows. I listened to the first two recordings, the questions at the end are superb. Invoice as agreed, half now and half at the report.",
            "T Half now, half later. The van driver wants to read the report, I promised nothing.",
        ),
    ),
    Scene(
        "partner",
        "Invoice 20{n}",
        (
            "T Invoice for the second half attached, with the travel on its own page this time.",
            "M Approved and handed to Dmitri. The travel page is much clearer, he even smiled.",
        ),
    ),
    Scene(
        "partner",
        "Room for the spring workshop",
        (
            "M We are looking for a room for forty on a weekday in {month}, daylight, no carpet, and somewhere to hang things. Is the upper hall free?",
            "T The upper hall is free on the second and the third Thursday. There is a rail along the whole wall, so hang whatever you like. Coffee from the place downstairs is included.",
            "M The third Thursday, please, from nine to five.",
            "T It is in the book under Lumenworks. You find the key at the bar.",
        ),
    ),
    Scene(
        "partner",
        "Contract wording",
        (
            "T Clause 7 now says that the recordings belong to the people recorded and that you may use them. I think that is what you meant, and it is easier to defend than the old one.",
            "M It is what I meant and had no words for. We sign it as it stands.",
        ),
    ),
    Scene(
        "partner",
        "Translation of {doc}",
        (
            "T The Spanish version is finished. 'Comfort' has three translations and I used all of them, each where a nurse would say it. Footnotes explain why.",
            "M I love the footnotes, they may outlive the report. Everything accepted, no changes from our side.",
        ),
    ),
    Scene(
        "partner",
        "Stand at the fair",
        (
            "T The corner stand is yours at last year's price. Power from the floor, no hanging from the ceiling, and deliveries before six in the morning.",
            "M The corner stand at last year's price is very welcome. Gustav's people bring everything before six and complain at seven.",
            "T They always do. See you in {month}.",
        ),
    ),
    # Former colleagues, mentors, community.
    Scene(
        "former",
        "The old kitchen table",
        (
            "T We are clearing out the Kraftverk kitchen and the table with the burn mark is going. Nobody wants it but everyone tells a story about it. I thought of you and the fondue.",
            "M The fondue was an accident and I stand by it. Somebody should saw the table into {n} pieces and send one to each of us.",
            "T Sawing begins on Friday.",
        ),
    ),
    Scene(
        "former",
        "A question about {thing}",
        (
            "T You once solved the problem of people covering sensors. We have the same on buses now: tape everywhere. What was the first thing you did?",
            "M Sat next to the tape for two nights. It was always in places where the sensor was right and the person had a better reason. We gave them a button, and the tape went.",
            "T A button. We have been trying posters. Two nights on a bus it is.",
        ),
    ),
    Scene(
        "former",
        "Reading for the train",
        (
            "T Finished the book on {topic} you left here. The middle third is a list, but the last chapter is worth carrying it around for.",
            "M The last chapter is the one I lent it for. Pass it on to whoever has the next long train ride.",
        ),
    ),
    Scene(
        "former friend",
        "Dinner",
        (
            "T I am in Berlin on Thursday and Friday. {food} at half past seven on Thursday, if your week allows it?",
            "M Thursday half past seven it is. I come straight from work, so forgive the bag of sensors.",
            "T The bag of sensors is always welcome. The table is under my name.",
        ),
    ),
    Scene(
        "former",
        "Reference call for a former intern",
        (
            "T Someone who once worked for you applied here and gave your name. Two sentences by mail are enough for us.",
            "M She listened better at twenty-three than most of us do at forty, and her notes were the ones we all used. Hire her before I do.",
            "T That makes it easy. She starts in {month}.",
        ),
    ),
    Scene(
        "mentor",
        "Your question about scope",
        (
            "M I have been turning over your remark that I hold on to the research too long. I gave the last three reports to Lena without reading them first. The world went on.",
            "T It tends to. The next step is harder: let her present them to people who outrank you, and sit in the second row. You will learn more about your own job there than from any course.",
            "M Second row, on the 14th. I have already chosen the seat.",
        ),
    ),
    Scene(
        "mentor",
        "After our conversation",
        (
            "T One thing I forgot to say: when they offer you the bigger team, ask what they will stop expecting of you. A role without a list of what ends is two roles.",
            "M I wrote that on the inside cover of my notebook. Thank you, as always. It was the missing piece.",
        ),
    ),
    Scene(
        "mentor",
        "Reading list on {topic}",
        (
            "T For your chapter I would begin with the ethnographies and leave the frameworks for winter. The study on laundry workers is the best thing written on night shifts and nobody cites it.",
            "M I got it from the library yesterday and read until two, which seems fitting. It says in forty pages what I tried to say in a hundred. Thanks so much for this.",
        ),
    ),
    Scene(
        "mentor",
        "Seminar in {month}",
        (
            "T The seminar takes place on Tuesdays this term. The students loved the tape story last year, and they are a livelier bunch this time.",
            "M Tuesdays are possible. I come on the second one and bring a suitcase of wall switches to take apart.",
            "T A suitcase of switches. They will never want another guest.",
        ),
    ),
    Scene(
        "community",
        "Meetup on {topic}",
        (
            "T We had {n} people more than chairs, which is the best problem. Your ten minutes are what everyone talked about at the bar.",
            "M The questions were better than the talk. It is a good room you have built there, even without the chairs.",
            "T Chairs are on order.",
        ),
    ),
    Scene(
        "community",
        "Panel in {city}",
        (
            "T The panel has a time now: the afternoon of the second day, three people and a moderator who reads the papers. You are in the middle seat.",
            "M The middle seat suits me, one can kick both sides. I fly in the evening before.",
            "T No kicking on stage, please. Everything else is allowed.",
        ),
    ),
    Scene(
        "community",
        "Comments on the {topic} draft",
        (
            "T I would cut the second page. The argument begins on the third, with the cleaner who knew which lamp would fail.",
            "M Cut. You are right, the second page was me clearing my throat. It stands on the site now without it.",
        ),
    ),
    Scene(
        "community client",
        "Paper accepted",
        (
            "T The paper on {topic} was accepted with small corrections. Reviewer two wants fewer adjectives, which is hard to argue with.",
            "M What good news for a grey Monday. Reviewer two may have all of mine. The corrected table looks right to me.",
            "T Table in, adjectives out, submitted.",
        ),
    ),
    Scene(
        "community",
        "Standards working group",
        (
            "T The ballot on flicker closed: eleven in favour, two abstentions. Your comment on night shifts went into annex C almost word for word.",
            "M Annex C is the nicest annex. I am glad the night shift made it into a standard, even in the small print.",
        ),
    ),
    Scene(
        "community",
        "Podcast recording",
        (
            "T The episode is out. We cut the part with the fire alarm and kept your laugh afterwards.",
            "M I listened on the way to work and missed my stop, so it must be good. You made me sound far more certain than I am.",
            "T That is what editing is for.",
        ),
    ),
    Scene(
        "community former",
        "A job you may know someone for",
        (
            "T We are looking for a design lead who can stand a hospital before breakfast. Not you, I know. Somebody like you ten years ago.",
            "M I asked around. Everyone good is happy where they are, which is nice for them and no use to you. Try the graduates from Havelstadt, they do night placements.",
            "T Havelstadt is a good idea. I have written to the professor.",
        ),
    ),
    # Friends.
    Scene(
        "friend",
        "Sunday",
        (
            "T The lake has ice on the edges already. We go on Sunday at ten and walk once round, slowly, with the children.",
            "M I bring the thermos and the sledge that nobody will need. Ten o'clock at the jetty.",
        ),
    ),
    Scene(
        "friend",
        "Tickets",
        (
            "T I have two for the Thursday concert, row {n}, a little to the left. Yours if you can bear the cello again.",
            "M I can always bear the cello. Half past seven at the stairs.",
            "T At the stairs. I wear the green coat so that you find me.",
        ),
    ),
    Scene(
        "friend",
        "Mother's birthday",
        (
            "T She does not want a party, which means a small one. I thought lunch at the house, the twelve of us, and the good plates.",
            "M The good plates and no speeches. I am taking the early train and do the flowers.",
            "T No speeches except yours. She has already told the neighbours.",
        ),
    ),
    Scene(
        "friend",
        "The flat",
        (
            "T We got it. Third floor, no lift, a balcony the size of a towel. I am beside myself.",
            "M A towel is enough for two chairs and a tomato plant. I am so happy for you both. I carry boxes on the day, with a bad back and good spirits.",
        ),
    ),
    Scene(
        "friend",
        "Recipe",
        (
            "T Here it is at last: the lentils, the lemon, and more butter than you want to know. Let it stand overnight.",
            "M I made it for eight people and nobody left any. The butter is our secret.",
        ),
    ),
    # In German.
    Scene(
        "team company partner",
        "Kurz zum Termin am Donnerstag",
        (
            "T der Raum am Donnerstag ist doch belegt, ich habe uns in die Bibliothek umgebucht. Beamer gibt es dort keinen, dafür Ruhe.",
            "M Ruhe ist mir lieber als ein Beamer. Ich bringe die Karten ausgedruckt mit.",
            "T Wunderbar, bis Donnerstag.",
        ),
        "de",
    ),
    Scene(
        "client",
        "Begehung der Klassenräume",
        (
            "T die Begehung ist mit der Schulleitung abgestimmt. Wir beginnen um 7:30 Uhr im Altbau, bevor die Kinder kommen. Der Hausmeister hat Schlüssel für alle Räume.",
            "M 7:30 Uhr im Altbau passt uns gut. Wir sind zu zweit und bringen die Messgeräte mit. Gegen neun sind wir wieder aus dem Weg.",
            "T So machen wir es. Der Hausmeister kocht Kaffee, das ist eine Auszeichnung.",
        ),
        "de",
    ),
    Scene(
        "client",
        "Rückmeldung aus dem Kollegium",
        (
            "T die Lehrkräfte sind nach vier Wochen angetan, vor allem vom warmen Licht am Nachmittag. Zwei finden die Automatik bevormundend und schalten sie ab.",
            "M Die zwei haben recht, wenn sie abschalten dürfen, ist es gut. Wir haben den Schalter deshalb neben die Tür gesetzt und nicht in ein Menü.",
            "T Genau das hat überzeugt. Ich berichte so an den Träger.",
        ),
        "de",
    ),
    Scene(
        "mentor community",
        "Vortrag an der Uni",
        (
            "T die Studierenden reden noch immer von deinem Vortrag. Eine schreibt jetzt ihre Abschlussarbeit über Klebeband in Krankenhäusern.",
            "M Das ist die schönste Nachricht der Woche. Sie darf jederzeit zu uns ins Labor kommen, wir haben eine ganze Schublade voll.",
        ),
        "de",
    ),
    Scene(
        "friend",
        "Samstag",
        (
            "T wir grillen am Samstag im Garten, ab vier. Bring niemanden mit oder alle, der Tisch ist lang.",
            "M Ich komme mit Hunger und Kartoffelsalat. Bis Samstag!",
        ),
        "de",
    ),
    Scene(
        "team company former",
        "Übergabe vor dem Urlaub",
        (
            "T ich bin ab Montag zwei Wochen weg. Offene Punkte stehen im Ordner, alles andere hat Zeit. Die Freigabe für {place} liegt unterschrieben auf deinem Tisch.",
            "M Liegt hier und ist schon abgeheftet. Erhol dich gut, wir halten die Stellung.",
        ),
        "de",
    ),
    Scene(
        "community partner",
        "Fotos zum Artikel",
        (
            "T der Artikel läuft in der nächsten Ausgabe auf vier Seiten. Das Bild mit dem Flur bei Nacht wird der Aufmacher.",
            "M Der Flur bei Nacht ist genau richtig. Der Text gefällt mir sehr, ich habe nichts zu ändern.",
            "T Dann geht er so in den Druck.",
        ),
        "de",
    ),
    # In French.
    Scene(
        "client partner former",
        "Réunion de {month}",
        (
            "T la réunion est confirmée, salle du premier étage, à 14 heures. Les cadres de nuit seront là aussi, elles ont changé leur planning exprès.",
            "M Merci de les avoir invitées, c'est leur lumière après tout. Nous arrivons la veille par le train de Francfort.",
            "T Parfait, à très bientôt donc.",
        ),
        "fr",
    ),
    Scene(
        "client",
        "Premiers retours du service de nuit",
        (
            "T les premiers retours sont bons. Les soignantes disent que le couloir ne les agresse plus. Une seule trouve qu'on ne voit pas assez la couleur de la peau.",
            "M Cette remarque est la plus précieuse de toutes. Nous avons ajouté un éclairage d'examen près de chaque lit, il est blanc et ne dure que deux minutes.",
            "T Elle l'a essayé hier et elle est ravie.",
        ),
        "fr",
    ),
    Scene(
        "partner friend former",
        "Un mot de Paris",
        (
            "T il pleut depuis mardi et l'atelier sent la peinture fraîche. Je pense à notre café de Lisbonne, celui avec les chats.",
            "M Les chats me manquent aussi. Ici il fait déjà nuit à quatre heures, on se console avec des gâteaux.",
        ),
        "fr",
    ),
    Scene(
        "partner",
        "Maquette de la couverture",
        (
            "T voici la couverture, version sans titre d'abord, pour que tu regardes la lumière et pas les lettres.",
            "M J'ai regardé la lumière, elle est juste. La version avec le bleu profond, sans hésiter.",
            "T Le bleu profond part chez l'imprimeur ce soir.",
        ),
        "fr",
    ),
    # In Spanish.
    Scene(
        "client partner",
        "Visita de {month}",
        (
            "T la visita queda fijada para el martes a las nueve. Entraremos por urgencias, que a esa hora está tranquilo.",
            "M Perfecto, a las nueve en urgencias. Vamos Lena y yo, y llevamos zapatos silenciosos.",
            "T Los zapatos silenciosos ya son famosos en la planta.",
        ),
        "es",
    ),
    Scene(
        "client",
        "Resultados de la planta tercera",
        (
            "T los resultados del primer mes son buenos: menos quejas y menos lámparas encendidas de madrugada. La supervisora quiere contarlo en el congreso.",
            "M Qué alegría. Que lo cuente ella, con sus palabras, es mucho mejor que si lo contamos nosotros.",
            "T Ya está escribiendo el resumen.",
        ),
        "es",
    ),
    Scene(
        "partner",
        "Traducción terminada",
        (
            "T ya está la traducción completa. He cambiado dos ejemplos que en castellano no tenían gracia.",
            "M Los ejemplos nuevos son mejores que los nuestros. Todo aprobado, la factura ya está en contabilidad.",
        ),
        "es",
    ),
)

NOTES: tuple[tuple[str, str, str], ...] = (
    # One message that needs no answer: circles, subject, text.
    (
        "team company",
        "Back at my desk",
        "The dentist was quick and I can speak again, mostly. The 3 o'clock stays as it is.",
    ),
    (
        "team company",
        "Parcel for you at reception",
        "A box from Hoshino, heavy, and it hums when you shake it. I put it under your desk, away from the radiator.",
    ),
    (
        "team",
        "That quote we were looking for",
        "Found it, interview 7, minute 31: 'The light knows I am tired before I do.' It is on the wall now, in the biggest letters I had.",
    ),
    (
        "team company",
        "Wednesday without meetings",
        "Third one in a row that held. I finished the whole {place} write-up before lunch and then did not know what to do with my hands.",
    ),
    (
        "client",
        "A small thing from {ward}",
        "One of the patients asked the nurse to 'put the evening back on'. I thought you would like to have that sentence.",
    ),
    (
        "client community",
        "In the local paper",
        "They wrote about {ward} on page five, with a photograph and only one mistake. You are called Maria in it.",
    ),
    (
        "partner community",
        "Greetings from {city}",
        "Passed your old stand at the fair and found one of your stickers still on the pillar. It has outlived two owners of the pillar.",
    ),
    (
        "former mentor community",
        "Saw this and thought of you",
        "The museum in {city} has a room lit only by what people carry. One walks slower in there. No reason to write, except that you would have stayed an hour.",
    ),
    ("friend", "Landed", "Landed, slept, ate. The mountains are where they should be. More on Sunday."),
    (
        "mentor",
        "The second row",
        "I heard from two people that you sat in the second row and said nothing. That was the talk of the evening, in the best way.",
    ),
)
