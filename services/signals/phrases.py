"""The set phrases of mail in many languages: how quotes, forwards, signatures and closings announce themselves.

Data only: fragments of regular expressions, without capturing groups and without nested repetition.
"""

WROTE = (
    r"\bwrote\b|\bwrites\b|\bschrieb\b|\bschreibt\b|\bgeschrieben\b|\ba écrit|\bécrit\b|\bescribió\b|\bescribio\b|"
    r"\bha scritto|\bscrive\b|\bescreveu\b|\bschreef\b|\bgeschreven\b|\bskrev\b|\bkirjoitti\b|\bnapisał|\bpisze\b|"
    r"\bnapsal|\bnapísal|\bпише|\bнаписа|\byazdı|\bírta\b|さん?は?書きました|のメッセージ|のメール|写道|寫道|"
    r"님이 작성|\bva escriure\b|\bέγραψε\b|\ba scris\b|כתב"
)
"""Verbs with which a client names the writer of what follows."""

ATTRIBUTION_OPENERS = (
    r"(?:on|at|am|vom|le|el|il|em|op|den|d\.|på|pe|dne|dnia|w dniu|ke|ma|ti|to|la|los|il giorno|på|fre|lör|sön|"
    r"mån|tis|ons|tors|man|tir|søn|lør|po|út|st|čt|pá|so|ne|pt|pon|wt|śr|czw|sob|niedz|"
    r"mon|tue|wed|thu|fri|sat|sun|quoting|citát|zitat von)\b|\d|<|\"|'"
)
"""How an attribution line may begin: a preposition before the date, the date, or the writer's name in quotes."""

FORWARD_WORDS = (
    r"original (?:message|e-?mail|appointment)|originalnachricht|original-nachricht|ursprüngliche nachricht|forwarded|"
    r"weitergeleitete|message (?:d'origine|original|transféré)|mail original|courriel original|mensaje (?:original|reenviado)|"
    r"messaggio (?:originale|inoltrato)|mensagem (?:original|encaminhada)|oorspronkelijk bericht|origineel bericht|"
    r"doorgestuurd bericht|ursprungligt meddelande|vidarebefordrat|oprindelig (?:meddelelse|besked)|videresendt|"
    r"opprinnelig melding|videresendt melding|alkuperäinen viesti|välitetty viesti|oryginalna wiadomość|"
    r"wiadomość (?:oryginalna|przekazana)|przekazana wiadomość|původní (?:zpráva|e-mail)|přeposlaná zpráva|"
    r"元のメッセージ|転送(?:された)?メッセージ|转发邮件|原始邮件|原邮件|轉寄郵件|원본 메시지|reply message|"
    r"begin forwarded|original mail|исходное сообщение"
)

BEGIN_FORWARD = (
    r"begin forwarded message|anfang der weitergeleiteten|début du message|inicio del mensaje|inizio messaggio|início da mensagem|"
    r"begin doorgestuurd|start vidarebefordrat|start på videresendt|videresendt melding|välitetty viesti|początek przekazanej|"
    r"začátek přeposlané|転送されたメッセージ|下面是被转发的邮件"
)
"""What Apple's clients put over forwarded mail, in a line of its own."""

HEADER_NAMES = (
    r"from|sent|to|cc|subject|date|reply-to|von|gesendet|datum|an|betreff|kopie|de|envoyé|date|à|objet|cc|"
    r"enviado(?: el)?|fecha|para|asunto|da|inviato|data|a|oggetto|enviada(?: em)?|assunto|van|verzonden|aan|onderwerp|"
    r"från|skickat|till|ämne|fra|sendt|til|emne|lähettäjä|lähetetty|vastaanottaja|päivämäärä|aihe|od|wysłano|do|temat|"
    r"odesláno|komu|předmět|差出人|送信日時|送信者|宛先|件名|日付|发件人|发送时间|发送日期|收件人|主题|抄送|寄件者|寄件日期|收件者|主旨|日期|"
    r"보낸 사람|보낸 날짜|받는 사람|제목|от|отправлено|кому|тема|expéditeur|destinataire|remitente|destinatario|mittente"
)

DEVICE_LINES = (
    r"(?:sent from (?:my |outlook|yahoo|mail for|samsung|proton|galaxy|gmail|iphone)|get outlook for|"
    r"sent (?:via|with) (?:my |superhuman|spark|proton|airmail|shift)|sent by (?:outlook|my )|"
    r"von meinem .{1,30} gesendet|gesendet (?:von|mit|über|aus) |diese nachricht wurde von meinem|holen sie sich outlook|"
    r"envoyé (?:de|depuis|à partir de) (?:mon |ma |l'|outlook|yahoo|gmail)|télécharge[rz] outlook|obtenez outlook|"
    r"enviado (?:desde|do|a partir do|de) (?:mi |meu |o meu |outlook|yahoo)|obtener outlook|obter o outlook|"
    r"inviato da(?:l mio)? (?:iphone|ipad|outlook|smartphone|yahoo|libero|android|telefono|mio)|ottieni outlook|"
    r"verstuurd (?:vanaf|met|via) |verzonden (?:vanaf|met|via) |skickat från min|skickat från |sendt fra (?:min|mit|my|outlook)|"
    r"lähetetty (?:iphonesta|ipadista|puhelimesta|.{1,20}laitteesta)|wysłane z |odesláno z(?:e)? |"
    r".{0,20}(?:iphone|ipad|android)から送信|从我的.{1,12}发[送出]|发自我的|從我的.{1,12}傳送|отправлено с )"
)

CLOSINGS = (
    r"(?:with )?(?:(?:my |our )?(?:best|kind|kindest|warm|warmest|very best|many)[ ,-]*)+(?:regards|wishes|greetings|thanks)?|"
    r"regards|rgds|br|kr|yours(?: (?:sincerely|truly|faithfully|ever))?|sincerely(?: yours)?|respectfully|cordially|"
    r"cheers|take care|all the best|all best|thanks(?: (?:so|very) much| a lot| again| a million| a bunch|,? and (?:best|kind) regards)?|"
    r"thank you(?: (?:so|very) much| again| (?:and|with) (?:best|kind) regards)?|thx|ta|tia|ttyl|xo+|love|ciao|"
    r"(?:many )?thanks in advance|thank you in advance|talk soon|speak soon|see you(?: soon)?|"
    r"(?:mit )?(?:(?:vielen|herzlichen|besten|freundlichen|lieben|schönen|herzliche|liebe|viele|beste|freundliche|schöne) )+"
    r"(?:grüßen|grüssen|gruß|gruss|grüße|grüsse|dank)(?: (?:aus|und) .{1,30})?|(?:mit )?(?:besten|freundlichem) gruß|"
    r"(?:besten|vielen|herzlichen) dank(?: im voraus| und .{1,30})?|"
    r"mfg|lg|vg|hg|bg|danke|gruß|gruss|grüße|bis (?:bald|dann|morgen)|herzlichst|hochachtungsvoll|"
    r"(?:bien )?(?:cordialement|amicalement|sincèrement|respectueusement)(?: vôtre)?|bien à (?:vous|toi)|cdt|cdlt|"
    r"(?:meilleures|sincères|cordiales) salutations|salutations(?: distinguées)?|bonne (?:journée|soirée|semaine)|"
    r"à (?:bientôt|très bientôt|plus)|amitiés|bises|merci(?: beaucoup| d'avance| par avance)?|"
    r"(?:un |muchos )?(?:cordial(?:es)? |atentos? |afectuosos? )?(?:saludos?|abrazos?)(?: cordiales| afectuosos)?|atentamente|"
    r"(?:muchas )?gracias(?: de antemano| por adelantado)?|un fuerte abrazo|hasta (?:pronto|luego)|"
    r"(?:un )?(?:cordiali|cari|distinti|cordiale|caro) salut[io]|(?:un )?salut[io]|(?:un )?abbraccio|cordialmente|grazie(?: mille)?|"
    r"(?:mille )?grazie in anticipo|a presto|"
    r"(?:com os )?(?:melhores )?cumprimentos|atenciosamente|abraços?|obrigad[oa]|"
    r"(?:met )?(?:vriendelijke|hartelijke|beste) groet(?:en)?|groet(?:en|jes)?|mvg|bedankt|"
    r"(?:med )?(?:vänliga?|bästa) hälsning(?:ar)?|hälsningar|mvh|vh|"
    r"(?:med )?(?:venlig|vennlig|bedste|beste|kærlig) hilsen(?:er)?|hilsen|hilsner|"
    r"(?:ystävällisin|parhain) terveisin|terveisin|terv\.?|"
    r"(?:z )?(?:pozdrowieniami|poważaniem|wyrazami szacunku)|pozdrawiam(?: serdecznie)?|"
    r"s (?:pozdravem|přátelským pozdravem)|hezký den|よろしくお願いいたします。?|よろしくお願いします。?|此致|祝好|谢谢"
)
"""Closings; they count only as a short line of their own with at most a name behind them."""

DISCLAIMER_WORDS = (
    "confiden",
    "disclaimer",
    "legal notice",
    "privileged",
    "intended",
    "addressee",
    "recipient",
    "vertraulich",
    "bestimmt",
    "environ",
    "umwelt",
    "confidentiel",
    "destin",
    "riservat",
    "drucken",
)
"""Parts of words without one of which no text holds a disclaimer."""

DISCLAIMERS = (
    r"^[\W_]*(?:confidentiality|disclaimer|legal notice|privileged|confidential\b)|"
    r"(?:this|the information (?:in|contained in) this) (?:e-?mail|message|communication|transmission)"
    r".{0,80}(?:confidential|privileged|intended|addressee|recipient)|"
    r"diese e-?mail (?:enthält|und|kann|ist).{0,80}(?:vertraulich|bestimmt|anhänge)|"
    r"(?:ce message|ce courriel|ce courrier).{0,80}(?:confidentiel|destin|pièces)|"
    r"(?:este (?:mensaje|correo)).{0,80}(?:confidencial|dirig|destinat)|"
    r"(?:questo messaggio|questa e-?mail|le informazioni contenute).{0,80}(?:riservat|confidenzial|destinat)|"
    r"(?:consider|think of|think about) the environment|denken? (?:sie )?an die umwelt|if you are not the intended recipient|"
    r"\b(?:before (?:you )?print|need to print this|vor dem (?:aus)?druck|wirklich (?:aus)?(?:ge)?druck|avant d'imprimer|"
    r"antes de imprimir)"
)

BANNERS = (
    r"(?:e-?mail|message|mail) (?:has |was )?(?:originated|sent|came|comes|received) from (?:an? )?(?:external|outside)|external (?:e-?mail|sender|message)\b|"
    r"(?:originated|sender is|received) (?:from )?outside (?:of )?(?:the|your|our)|you don't often get e?-?mail from|"
    r"extern(?:e|er|en|em) (?:e-?mail|absender|nachricht)|außerhalb (?:der|des|unserer|ihrer) (?:organisation|unternehmens|firma)|"
    r"absender außerhalb|(?:expéditeur|message|courriel|e-?mail) externe|provient de l'extérieur|"
    r"(?:remitente|correo|mensaje) externo|(?:mittente|messaggio|e-?mail) estern[oa]"
)
"""What organisations put above mail from without, as a paragraph of its own."""
BANNER_WORDS = ("xtern", "XTERN", "utside", "often get", "ußerhalb", "xtérieur", "estern")
"""Parts of words, as they are written, without one of which no paragraph is one."""

NO_ANSWER = (
    r"no (?:need (?:to (?:reply|answer|respond)|(?:for|of) (?:a|an|any) (?:reply|answer|response))|"
    r"(?:reply|answer|response|action)(?: is| from (?:you|your side))? (?:needed|necessary|required|expected))|"
    r"(?:do not|don't|does not|doesn't) (?:need|require|expect) (?:a|an|any) (?:reply|answer|response)|"
    r"keine (?:antwort|rückmeldung) (?:nötig|erforderlich|notwendig)|(?:musst|müssen|brauchst|brauchen) (?:du |sie |mir |darauf |hierauf )*nicht (?:zu )?antworten|"
    r"(?:pas|aucun) besoin de (?:me |nous )?répondre|(?:aucune|pas de) réponse (?:n'est )?(?:nécessaire|attendue|requise)|"
    r"no (?:hace falta|es necesario|necesitas|tienes que) (?:que (?:me |nos )?)?(?:respond|contest)\w+|"
    r"non (?:serve|occorre|è necessario|c'è bisogno(?: di)?) (?:che (?:mi |ci )?)?rispond\w+|nessuna risposta necessaria"
)
"""With these a writer says that no answer is wanted at all; `no need to reply before Monday` wants one."""
NO_ANSWER_WORDS = {
    "en": ("no need", "no repl", "no answ", "no resp", "no action", "t need", "t require", "t expect"),
    "de": ("ne antwort", "ne rückmeldung", "nicht antworten", "nicht zu antworten"),
    "fr": ("besoin de", "réponse"),
    "es": ("no hace falta", "no es necesario", "no necesitas", "no tienes que"),
    "it": ("non serve", "non occorre", "non è necessario", "bisogno", "nessuna risposta"),
}
"""Without one of these nobody says so, in each language."""
ANSWER_LATER = (
    r"before|until|till|right away|immediately|straight|today|tonight|now\b|this |over |on |at |in |sofort|heute|bis|vor|gleich|"
    r"tout de suite|avant|aujourd|ahora|hoy|antes|subito|oggi|prima"
)
SETTLED = (
    r"(?:please )?(?:never ?mind|forget (?:about )?(?:it|that|this|my (?:last|previous|earlier|question|e-?mail|mail|message|request))|scratch that|"
    r"(?:ignore|disregard) (?:my|the|this|that)\b)|(?:(?:i|we)(?:'ve| have)? )?(?:just |already )?(?:found it(?=\W*$|[.!,;])|figured it out\b|got it sorted\b)|"
    r"(?:it|this|that|the \w+)(?:'s| is| has been| was| has) (?:now |already |all )*(?:been )?(?:sorted|resolved|solved|settled|no longer needed)\b|no longer needed|"
    r"(?:das |es |die sache |meine frage )?hat sich (?:\w+ )?(?:erledigt|geklärt)\b|(?:bitte )?vergiss (?:es|das|meine)|vergessen sie (?:es|das|meine)|"
    r"laissez? tomber|oublie[zs]? (?:ma|mon|mes|ça|cela)|c'est (?:réglé|résolu)|(?:non )?c'est bon,? (?:j'ai|je l'ai) trouvé|"
    r"olvíd(?:a|e)(?:lo|te)\b|"
    r"lascia(?:te)? (?:perdere|stare)|come non detto|(?:ho |tutto )risolto"
)
"""How somebody takes back what they asked; they count at the beginning of a sentence only."""
SETTLED_WORDS = frozenset(
    "mind nevermind forget scratch ignore disregard found figured sorted resolved solved settled longer erledigt geklärt vergiss "
    "vergessen laisse laissez oublie oubliez oublies réglé résolu bon olvídalo olvídelo olvídate lascia lasciate detto risolto".split()
)
"""Words without one of which nobody takes anything back."""

AUTO_SUBJECT = (
    r"(?:automatic reply|auto(?:matic)?[- ]?(?:reply|response)|out of (?:the )?office|autoreply|auto:|abwesenheits(?:notiz|meldung)?|"
    r"automatische antwort|abwesend:|réponse automatique|absence du bureau|message d'absence|respuesta automática|fuera de la oficina|"
    r"risposta automatica|fuori ufficio|resposta automática|automatisch antwoord|automatiskt svar|automatisk svar|autosvar|"
    r"automaattinen vastaus|odpowiedź automatyczna|automatická odpověď|自動応答|不在通知|自动回复|自動回覆)"
)
"""How the subject of an automatic answer begins; `Re:` before it is a human's."""

AUTO_TEXT = (
    r"^.{0,120}?\b(?:this is an auto(?:matic|mated|matically generated)[ -]?(?:e-?mail |mail )?(?:reply|response|answer|message)|"
    r"this (?:e-?mail|message) (?:was|is|has been) (?:sent |generated )?automatically|"
    r"(?:we(?:'ve| have)|i(?:'ve| have)|has been) received (?:your|the) (?:e-?mail|message|request|enquiry|inquiry).{0,40}(?:will|shall) (?:get back|reply|respond|be in touch|answer|contact)|"
    r"dies ist eine automatische? (?:antwort|nachricht)|diese (?:e-?mail|nachricht) wurde automatisch|"
    r"ceci est une réponse automatique|esta es una respuesta automática|questa è una risposta automatica)"
)
AWAY_WORDS = frozenset(
    "office leave vacation holiday holidays automatic automated automatically auto-reply auto automatische automatisch automatique "
    "automática automatica büro haus urlaub abwesend erreichbar congé congés bureau oficina vacaciones ufficio sede ferie travelling "
    "traveling afwezig kantoor vakantie escritório férias ausente semester kontoret urlopie biurem lomalla".split()
)
AWAY_PAIRS = (frozenset({"received", "will"}), frozenset({"no", "longer"}))
"""Words without one of which, or all of a pair, no text is an automatic answer."""
OUT_OF_OFFICE = (
    r"out of (?:the )?office|on (?:annual |maternity |paternity |parental )?leave|on vacation|on holidays?|nicht im (?:büro|haus)|außer haus|im urlaub|abwesend|"
    r"absente? du bureau|en congés?|fuera de la oficina|de vacaciones|fuori (?:sede|ufficio)|in ferie|"
    r"i(?:'m| am) (?:currently )?travell?ing|i(?:'m| am| have)? no longer (?:work(?:ing)? (?:at|for)|employed|with)|wieder erreichbar|afwezig|niet op kantoor|op vakantie|"
    r"fora do escritório|de férias|ausente|på semester|på ferie|ikke på kontoret|inte på kontoret|na urlopie|poza biurem|lomalla"
)
NOT_READING = (
    r"(?:limited|no|intermittent|sporadic|little) access to (?:my )?e-?mails?|(?:will|shall) (?:respond|reply|answer|get back).{0,40}(?:upon|on|when|after) my return|"
    r"(?:urgent|immediate).{0,80}(?:contact|call|reach|e-?mail)|thank you for your (?:e-?mail|message).{0,60}(?:out of|on leave|vacation)|"
    r"contact\b.{0,80}\b(?:urgent|immediate)|no longer (?:work|employed|with)\w*\b.{0,160}\bplease (?:contact|write|reach|e-?mail|direct|address)|"
    r"(?:e-?mails?|nachricht(?:en)?) (?:werden|wird) nicht (?:weitergeleitet|gelesen)|in dringenden (?:fällen|angelegenheiten)|keinen zugriff auf|"
    r"en cas d'urgence|pour toute urgence|accès limité|(?:para|en caso de) (?:asuntos? )?urgen\w+|acceso limitado|"
    r"(?:per|in caso di) (?:questioni |comunicazioni )?urgen\w+|accesso limitato|"
    r"dringende (?:zaken|vragen|gevallen)|(?:em caso de|assuntos) urg[eê]n\w+|brådskande|haste(?:r|nde|saker)|pilnych|kiireelli\w+"
)
"""A person away says the first; only the text of a machine says the second with it."""
