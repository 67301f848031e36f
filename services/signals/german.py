"""The German rules."""

import re

from services.signals.language import Language, rule, words

_NAME = r"(?-i:[A-ZÄÖÜ][\w'’.-]+(?: [A-ZÄÖÜ][\w'’.-]+){0,3})"
_ACTS = (
    r"(?:schick|send|sag|gib|ruf|schau|prüf|check|bestätig|melde|frag|meld|leite|erinner|lass|denk|bring|mach|teil|überprüf|unterschreib|"
    r"füll|ergänz|trag|komm|nenn|halt|nimm)(?:e|st|t|en)?"
)
_DELIVER = (
    r"(?:schicke|schick|sende|send|melde|meld|gebe|geb|rufe|ruf|leite|prüfe|kläre|klär|schaue|schau|kümmere|kümmer|erledige|bereite|schreibe|schreib|lasse|lass|maile|bringe|"
    r"frage|frag|teile|organisiere|buche|vereinbare|stelle|reiche|bestätige|überarbeite|antworte|informiere|halte|trage|liefere|besorge|mache|mach|sage|sag|spreche|"
    r"schicken|senden|melden|geben|rufen|leiten|prüfen|klären|schauen|kümmern|erledigen|schreiben)"
)

GERMAN = Language(
    code="de",
    common=words(
        "der die das und ich du sie wir ihr ist nicht ein eine zu den mit für auf dem dir mir mich dich ihnen ihre haben hat bin sind wird "
        "werden kann können bitte danke vielen dank hallo liebe lieber noch auch wie was am im bis von zum zur uns es als aber oder wenn dass"
    ),
    ask_words=words(
        "bitte könntest könnten kannst können würdest würden magst mögen wärst wären lass lassen gib geben sag sagen bescheid brauche brauchen benötige benötigen bräuchte bräuchten wäre warte warten interessieren hättest hätten hast meinst hältst halten denkst wollte möchte lasst treffen wollen sollen schick schicke schickt send sende sendet ruf ruft schau schaut prüf prüfe check bestätige melde meld frag frage leite erinner erinnere denk denke bring bringe mach mache teil teile überprüf überprüfe unterschreib unterschreibe füll fülle ergänz ergänze trag trage komm nenn halt nimm"
    ),
    promise_words=words(
        "ich wir melde meld schicke schick sende send maile kümmere prüfe kläre gebe rufe werde werden bekommst bekommen erhältst erhalten kriegst hörst hören verspreche"
    ),
    thanks_words=words(
        "danke dank bedanke bedanken dankbar geholfen weitergeholfen hilfreich hilfe wertvoll nützlich nett geschafft gelungen geklappt"
    ),
    introduction_words=words(
        "vorstellen stelle bekannt bekanntmachen verbinden verbinde kontakt zusammenbringen nehme setze hole cc kopie verteiler dazu intro bringe darf"
    ),
    ask=rule(
        r"\bbitte\b|\b(?:könntest|könnten|kannst|können|würdest|würden|magst|mögen|wärst|wären) (?:du|sie|ihr)\b|\b(?:können|könnten|wollen|sollen) wir\b.{0,200}\?|"
        r"\b(?:lass|lassen sie|gib|geben sie|sag|sagen sie) (?:mich|mir|uns)\b|\b(?:gib|sag|geben sie|sagen sie)\b.{0,30}\bbescheid\b|"
        r"\b(?:ich|wir) (?:brauche|brauchen|benötige|benötigen|bräuchte|bräuchten) (?:noch |von (?:dir|ihnen|euch) |dringend )*(?:deine?n?|ihre?n?|von (?:dir|ihnen)|noch|eure)\b|"
        r"\b(?:wäre|wären) (?:es |super|toll|schön|nett|klasse|prima|gut|hilfreich|dankbar)|\b(?:ich )?(?:würde|würden) (?:mich|uns|wir uns|ich mich) (?:sehr )?(?:über|freuen,? wenn)|"
        r"\b(?:ich|wir) (?:warte|warten) (?:noch )?auf (?:deine?n?|ihre?n?|eure)\b|\b(?:es|mich) (?:würde mich|würde) interessieren\b|\bhättest du\b|\bhätten sie\b|\bhast du (?:zeit|lust)\b|"
        r"\bwas (?:meinst|hältst|halten|denkst) (?:du|sie)\b|\bich (?:wollte|würde gerne|möchte) (?:fragen|wissen)\b|\blass(?:t)? uns\b.{0,80}\b(?:treffen|telefonieren|sprechen|reden|besprechen)\b|"
        rf"^(?:[\w-]+, )?{_ACTS} (?:mir|uns|mich|doch|mal|sie)\b",
    ),
    no_ask=rule(
        r"\bbitte (?:sehr|schön|nicht antworten|entschuldig\w*|verzeih\w*|beachten sie|beachte|um (?:entschuldigung|verständnis|nachsicht))\b|\bbitten? (?:wir |ich )?um (?:entschuldigung|verständnis)|\banbei\b|\bim anhang finden\b|"
        r"\b(?:bei|falls|sollten?|wenn)\b.{0,60}\b(?:fragen|rückfragen|probleme|hilfe)\b|\bjederzeit\b|\bgerne? (?:zur verfügung|melden)|\bfinden sie (?:bitte )?(?:anbei|im anhang)|\bkeine sorge\b|\babmelden\b|\bklicken sie\b|\bkein problem, bitte\b|^(?:\w+,? )?bitte[.!]?$",
    ),
    no_question=rule(
        r"\bwie (?:geht|gehts|geht's|läuft)\b|\boder\?|\bnicht wahr\?|\bgell\?|\bwer weiß\b|\bist (?:das|es) nicht\b|\bwas soll('?s| man| ich)\b|\bwie (?:war|waren) (?:dein|deine|euer|eure|ihr|ihre|das|der|die) (?:wochenende|urlaub|ferien|reise|feiertage|weihnachten|tag|abend)\b|^(?:wirklich|echt|ok|ach ja|na und)\?",
    ),
    promise=rule(
        rf"\b(?:ich|wir) {_DELIVER}\b|\b{_DELIVER} (?:ich|wir)\b|\b(?:ich|wir) (?:werde|werden)\b.{{1,160}}\b(?:schicken|senden|melden|geben|prüfen|klären|anrufen|schreiben|weiterleiten|zukommen|kümmern|erledigen|vorbereiten|zusenden|zuschicken|liefern|nachreichen|informieren|bestätigen|sprechen|mitteilen|nachfragen|durchgehen|ansehen|anschauen)\b|"
        r"\b(?:werde|werden) (?:ich|wir)\b.{1,160}\b(?:schicken|senden|melden|prüfen|klären|anrufen|schreiben|weiterleiten|kümmern|erledigen|zusenden|liefern|nachreichen)\b|"
        r"\b(?:du|sie) (?:bekommst|bekommen|erhältst|erhalten|kriegst|hörst|hören)\b.{1,120}\b(?:von mir|von uns|bis|morgen|heute|nächste|montag|dienstag|mittwoch|donnerstag|freitag)|\bich verspreche\b|"
        r"^(?:melde mich|schicke|sende|schick|maile|kümmere mich|prüfe|kläre|gebe dir|gebe ihnen|rufe)\b",
    ),
    no_promise=rule(
        r"\?$|^(?:falls|wenn|sollte|sollten)\b|\b(?:könnte|würde|würden|hätte|nicht|kein|keine|nie|falls|vielleicht|eventuell|evtl|wenn du|wenn sie|wenn ich (?:zeit|dazu|es|kann)|immer|jeden|oft|gestern|normalerweise|leider|hiermit|anbei|gerade|leitet?e?n? (?:das|ein|die) team)\b|\bim anhang\b|\b(?:schicke|sende|leite)\b.{0,40}\b(?:anbei|hiermit|jetzt gerade)\b|\bich (?:mache|trage|halte|bringe) (?:mir|urlaub|sport|einen|eine|ein)\b|\b(?:mache|machen) (?:ich|wir) (?:urlaub|pause)|\b(?:schicke?|sende)\b[^,.]{0,40}\b(?:grüße|grüsse|gruß|gruss)\b|\bmelde mich (?:krank|ab|an|um)\b|\bgebe? (?:ich )?(?:es )?(?:ja )?zu\b|\bich frage mich\b|\bich freue\b|\bich stelle (?:mir|dir|ihnen|euch)\b|\bwir stellen\b|\bsage? ich mal\b",
    ),
    thanks=rule(
        r"\b(?:danke|dank|bedanken?|dankbar)\b[^.!?]{0,50}?\b(?:für|dass (?:du|sie|ihr))\b|\bhat (?:mir|uns) (?:sehr|wirklich|enorm|viel|riesig|total)? ?(?:weiter)?geholfen\b|\b(?:war|waren|ist) (?:sehr|wirklich|super|äußerst|eine (?:große|riesige)) ?(?:hilfreich|hilfe|wertvoll|nützlich|nett von)\b|\bohne (?:dich|sie|deine|ihre|eure)\b.{0,60}\bnicht (?:geschafft|gelungen|geklappt)\b",
    ),
    no_thanks=rule(
        r"\bim voraus\b|\bvorab\b|\bfür (?:(?:deine|ihre|die|eure|das|den|dein|ihr) )?(?:(?:schnelle|rasche|prompte|nette|freundliche|ausführliche|baldige|letzte)n? )?(?:e-?mail|mail|nachricht|antwort|rückmeldung|verständnis|geduld|interesse|anfrage|bestellung|aufmerksamkeit|info|information|schreiben|update|registrierung|anmeldung|vertrauen|einkauf|zahlung|kenntnisnahme)\b|\b(?:wäre|wären|würde|würden)\b|\?$|\bnein,? danke\b",
    ),
    introduction=rule(
        rf"\b(?:möchte|darf|will|wollte|würde)\b.{{0,40}}\b(?:dir|ihnen|euch|dich|sie|beide|{_NAME})\b.{{0,100}}\b(?:vorstellen|bekannt ?(?:zu )?machen|miteinander|verbinden|zusammenbringen|in kontakt)\b|\bich stelle (?:dir|ihnen|euch)\b.{{0,30}}{_NAME}.{{0,60}}\bvor\b|\bhiermit stelle ich\b|"
        rf"\b(?:ich nehme|nehme|ich setze|setze|ich hole|hole|habe)\b.{{0,30}}{_NAME}.{{0,60}}\b(?:in (?:den )?(?:cc|kopie)|dazu|mit in|in den verteiler|cc)\b|{_NAME} \((?:in )?(?:cc|kopie)\)|\b{_NAME}, (?:das ist|darf ich vorstellen)\b|\b(?:ich )?(?:bringe|verbinde) (?:euch|sie)(?: beide)?\b|\bintro\b.{{0,20}}\b(?:zu|zwischen|mit)\b|\bdarf ich (?:vorstellen|bekannt)",
        re.IGNORECASE,
    ),
    no_introduction=rule(
        r"\b(?:mich|uns)(?: (?:kurz|gerne?|ihnen|dir|euch))* (?:kurz )?vorstellen\b|\b(?:danke|dank|könntest|könnten|kannst|können sie|würdest|mir vorstellen|mir .{1,30} vorstellen)\b|\bunser (?:neues )?(?:produkt|angebot)|\bkann ich mir vorstellen\b",
        re.IGNORECASE,
    ),
)
