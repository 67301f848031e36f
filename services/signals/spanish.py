"""The Spanish rules."""

import re

from services.signals.language import Language, rule, words

_NAME = r"(?-i:[A-ZÁÉÍÓÚÑ][\w'’.-]+(?: [A-ZÁÉÍÓÚÑ][\w'’.-]+){0,3})"
_DO = (
    r"(?:enviaré|envío|mando|mandaré|paso|pasaré|llamo|llamaré|escribo|escribiré|confirmo|confirmaré|aviso|avisaré|comparto|compartiré|reviso|revisaré|preparo|prepararé|"
    r"respondo|responderé|contesto|contestaré|digo|diré|informo|informaré|reenvío|reenviaré|hago|haré|encargo|encargaré|consulto|consultaré|miro|miraré|cuento|contaré|pregunto|preguntaré|"
    r"entregaré|entrego|terminaré|traeré|daré|doy|pondré|pongo|averiguo|averiguaré|reservaré|ocupo|ocuparé|buscaré|presentaré|adjuntaré|subiré|tendré)"
)

SPANISH = Language(
    code="es",
    common=words(
        "el la los las de del y yo tú usted ustedes nosotros es no un una que en por para con se lo le les su sus tu tus mi mis me te nos "
        "gracias hola estoy está son más si pero como este esta cuando muy hay ha he sobre al ya también qué buenos días"
    ),
    ask_words=words(
        "puedes puede podrías podría pueden podrían podéis podríais importaría importa podemos podríamos quedamos vemos hablamos favor porfa porfavor dime dígame avísame avíseme envíame envíeme mándame mándeme llámame llámeme pásame páseme cuéntame cuénteme confírmame confírmeme hazme háganos recuérdame avisadme decidme mandadme enviadme avísanos infórmame indícame indíqueme ayúdame échale mantenme necesito necesitamos necesitaría gustaría encantaría quería querría quisiera quedo espero esperamos sería parece opinas opina piensas agradecería pediría pido ruego"
    ),
    promise_words=words(
        "te le les os se me lo la los las enviaré mandaré llamaré escribiré revisaré prepararé responderé avisaré confirmaré entregaré consultaré preguntaré compartiré terminaré haré voy vamos prometo recibirás recibirá tendrás tendrá sabrás"
    ),
    thanks_words=words(
        "gracias agradezco agradecemos agradecerte agradecerle agradeceros agradecido agradecida agradecidos ayudó ayudado ayudaron sirvió servido útil útiles valioso valiosa valiosos ayuda"
    ),
    introduction_words=words(
        "presento presentarte presentarle presentaros presentarles presentar presente pongo dejo conecto poner poneros ponerles ponerte contacto copia cc añado agrego incluyo sumo copio agregando incluyendo"
    ),
    ask=rule(
        r"\b(?:puedes|puede|podrías|podría|pueden|podrían|podéis|podríais|te importaría|le importaría|te importa)\b.{1,200}\?|\b(?:me|nos) (?:puedes|puede|podrías|podría|pueden|podrían|podéis)\b|(?:^|[¿, ])(?:podrías|podría usted|podríais|podrían) \w+(?:me|nos|lo|la|r)\b|\b(?:podemos|podríamos|quedamos|nos vemos|hablamos)\b.{0,200}\?|"
        r"\b(?:por favor|porfa|porfavor)\b|\b(?:dime|dígame|avísame|avíseme|envíame|envíeme|mándame|mándeme|llámame|llámeme|pásame|páseme|cuéntame|cuénteme|confírmame|confírmeme|hazme|háganos|recuérdame|avisadme|decidme|mandadme|enviadme|avísanos|infórmame|indícame|indíqueme|ayúdame|échale|mantenme)\b|"
        r"\b(?:necesito|necesitamos|necesitaría) (?:que (?:me |nos |lo |la )?\w+|tu|su|tus|sus|vuestr\w)\b|\b(?:me gustaría|nos gustaría|me encantaría|quería|querría|quisiera)\b.{0,30}\b(?:saber|conocer tu|conocer su|que (?:me|nos|lo)|pedirte|pedirle|preguntarte|preguntarle|preguntar|hablar contigo|verte|reunirme)\b|"
        r"\b(?:quedo|espero|esperamos|quedamos) (?:a la espera|en espera|pendiente|tu|su|tus|sus) (?:de )?(?:tu|su|respuesta|confirmación|noticias|comentarios|opinión)|\bsería (?:posible|genial|estupendo|bueno|ideal|de gran ayuda) (?:que|si)\b|\bqué (?:te parece|opinas|opina|le parece|piensas)\b|\bte (?:agradecería|pediría)\b|\ble (?:agradecería|pediría|ruego)\b|\bte (?:pido|ruego) que\b",
    ),
    no_ask=rule(
        r"\bno dud(?:es|e|en|éis) en\b|\bsi (?:tienes|tiene|tienen|tenéis|necesitas|necesita)\b.{0,40}\b(?:pregunta|duda|algo|consulta|ayuda|más)|\bcualquier (?:duda|cosa|pregunta|consulta)\b|\bhaz clic\b|\bhaga clic\b|\bdarse? de baja\b|\bno responda\b|\badjunto\b.{0,10}\bencontrar|\bno hace falta\b|\bpor favor,? (?:disculp|perdon)\w+|\bno te preocupes\b",
    ),
    no_question=rule(
        r"¿?(?:cómo (?:estás|está|están|va|vas|te va|andas|(?:fue|estuvo|ha ido|pasaste) (?:tu|el|la|las|los) (?:fin de semana|vacaciones|viaje|fiestas))|qué tal|qué hay|quién sabe|por qué no|verdad|no|no crees|a que sí|te imaginas)\b[^?]{0,40}\?",
    ),
    promise=rule(
        rf"\b(?:te|le|les|os|se)(?: lo| la| los| las)? {_DO}\b|\b(?:me|lo|la|los|las) (?:encargo|encargaré|ocupo|ocuparé|pongo a|pondré|reviso|revisaré|miro|miraré|haré|consulto|consultaré|terminaré|enviaré|mandaré|entregaré|preparo|prepararé)\b|(?:^|[,;] |\by )(?:yo )?(?:enviaré|mandaré|llamaré|escribiré|revisaré|prepararé|responderé|avisaré|confirmaré|entregaré|consultaré|preguntaré|compartiré|terminaré|haré)\b|"
        r"\b(?:te|le|les|os)? ?(?:voy|vamos) a (?:enviar|mandar|llamar|escribir|revisar|preparar|responder|avisar|confirmar|consultar|preguntar|compartir|terminar|pasar|mirar|hacer|hablar con|averiguar)(?:te|le|les|os|lo|la|telo|selo|nos)?\b|\bte (?:lo )?prometo\b|"
        r"\b(?:recibirás|recibirá|tendrás|tendrá|sabrás de mí)\b.{0,100}\b(?:mañana|hoy|antes|para|lunes|martes|miércoles|jueves|viernes|semana|tarde|noche|noticias mías)\b|\b(?:te|le|les|os) (?:enviaremos|mandaremos|llamaremos|avisaremos|confirmaremos|responderemos|contactaremos|haremos llegar|haré llegar)\b",
    ),
    no_promise=rule(
        r"\?$|^si (?:quieres|quiere|necesitas|te|le|puedes|hay|tienes)\b|\b(?:si (?:quieres|quiere|lo deseas|necesitas|hace falta|prefieres|tengo tiempo|puedo|encuentro)|quizás?|tal vez|a lo mejor|nunca|siempre|ayer|no (?:te|le|lo|me|voy)|adjunto|en caso de)\b|\b(?:le|te) escribo (?:para|porque|en|a|desde|con)\b|\bte (?:cuento|digo|comparto|informo|paso)(?: que|:| un chiste)\b|\b(?:te|le|les|os) (?:presento|mando un (?:saludo|abrazo|beso)|envío un (?:saludo|abrazo|cordial))\b|\bse (?:hago|doy|paso|cuento)\b|\ble informo\b|\ble confirmo que\b",
    ),
    thanks=rule(
        r"\b(?:gracias|agradezco|agradecemos|agradecerte|agradecerle|agradeceros|agradecid[oa]s?)\b[^.!?]{0,40}?\b(?:por|que (?:me|nos|te)|haberme|tu|su|tus|sus|vuestr\w+|el|la)\b|\bme (?:ha |han )?(?:ayudó|ayudado|ayudaron|sirvió|servido)(?: (?:mucho|muchísimo|un montón))?\b|\b(?:fue|fueron|ha sido|han sido) (?:muy |de (?:gran|mucha) |realmente )?(?:útil(?:es)?|valios[oa]s?|ayuda)\b",
    ),
    no_thanks=rule(
        r"\bde antemano\b|\bpor adelantado\b|\bpor (?:(?:tu|su|el|la|vuestr[oa]|tus|sus) )?(?:(?:pronta|rápida|rápido|último) )?(?:e-?mail|correo|mensaje|respuesta|comprensión|paciencia|atención|interés|compra|pedido|confianza|información|info|registrar\w*|suscribir\w*|escribir\w*|contactar\w*|contestar|responder|tu nota|colaboración|visitar\w*|elegir\w*|aviso)\b|\bagradecer(?:ía|íamos|ia)\b|\?$|\bno,? gracias\b|\bgracias a (?:dios|la|los|el)\b",
    ),
    introduction=rule(
        rf"\b(?:quiero|quería|me gustaría|quisiera|déjame|permíteme|permítame|deja que)\b.{{0,20}}\bpresent(?:arte|arle|aros|arles|ar|e)\b|\b(?:te|le|os|les) presento\b|\b(?:os|les|te|los) (?:pongo|dejo|conecto)(?: (?:a los dos|a ambos))? (?:en (?:contacto|copia)|con)\b|\b(?:pongo|poner|poneros|ponerles|ponerte) en contacto\b|\b(?:pongo|añado|agrego|incluyo|sumo|copio|agregando|incluyendo)\b.{{0,20}}(?:a )?{_NAME}.{{0,50}}(?:copia|cc|conversación|hilo|correo)|{_NAME} \((?:en )?(?:cc|copia)\)|{_NAME},? (?:en copia|en cc)\b|\bpongo en copia a\b|\bcopio a {_NAME}",
        re.IGNORECASE,
    ),
    no_introduction=rule(
        r"\bpresentar(?:me|nos)\b|\bme presento\b|\bgracias\b|\b(?:puedes|puede|podrías|podría)\b|\bponerme en contacto\b|\bpónganse en contacto\b|\bme pongo en contacto\b|\bpresent(?:o|ar) (?:el|la|nuestro|nuestra|los|las|mi (?:propuesta|proyecto)|un|una) ?(?:producto|informe|oferta|nuev\w+|resultados|propuesta|proyecto|presupuesto)|\?$",
        re.IGNORECASE,
    ),
)
