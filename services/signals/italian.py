"""The Italian rules."""

import re

from services.signals.language import Language, rule, words

_NAME = r"(?-i:[A-ZÀÈÉÌÒÙ][\w'’.-]+(?: [A-ZÀÈÉÌÒÙ][\w'’.-]+){0,3})"
_DO = (
    r"(?:invierò|invio|mando|manderò|chiamo|chiamerò|scrivo|scriverò|confermo|confermerò|faccio|farò|preparo|preparerò|controllo|controllerò|verifico|verificherò|"
    r"rispondo|risponderò|passo|passerò|giro|girerò|inoltro|inoltrerò|aggiorno|aggiornerò|condivido|condividerò|dico|dirò|richiamo|richiamerò|chiedo|chiederò|occupo|occuperò|"
    r"porto|porterò|finirò|consegnerò|do|darò|prenoto|prenoterò|guardo|guarderò|spedisco|spedirò|fornirò|contatterò|contatto|presenterò|metto|metterò|sento|sentirò)"
)

ITALIAN = Language(
    code="it",
    common=words(
        "me ne il lo la i gli le di del della e io tu lei noi voi è non un una che in per con si mi ti ci vi al alla sono ho ha hai hanno "
        "grazie ciao buongiorno come questo questa quando più se ma anche tuo tua suo sua mio mia nel nella dal sul da ed dei delle"
    ),
    ask_words=words(
        "puoi può potresti potrebbe potete potreste riesci riesce riuscite riusciresti mandi invii confermi sai fai possiamo potremmo vediamo sentiamo vediamoci favore piacere cortesia cortesemente gentilmente fammi dimmi mandami inviami chiamami girami passami confermami fateci fatemi ditemi mandatemi inviatemi faccia dica ricordati aiutami aggiornami tienimi avvisami rispondimi bisogno serve servirebbe servirebbero servono vorrei volevo gradirei attendo aspetto attendiamo attesa sarebbe potessi pensi pensa dici pensate va chiederei chiedo chiediamo prego"
    ),
    promise_words=words(
        "ti le vi te glielo gliela ve lo la li ci me mi invierò manderò chiamerò scriverò confermerò farò preparerò controllerò verificherò risponderò chiederò consegnerò finirò contatterò condividerò prenoterò tengo riceverai riceverà avrai avrà riceverete prometto assicuro"
    ),
    thanks_words=words(
        "grazie ringrazio ringraziare ringraziamo ringraziarti ringraziarla grato grata aiutato aiutata aiutati utile utili aiuto prezioso preziosa preziosi preziosissimo preziosissima"
    ),
    introduction_words=words(
        "presentarti presentarle presentarvi presentare presenti presento metto lascio mettere mettervi metterti contatto copia cc aggiungo includo inserisco copio"
    ),
    ask=rule(
        r"\b(?:puoi|può|potresti|potrebbe|potete|potreste|riesci|riesce|riuscite|riusciresti)\b.{1,200}\?|\b(?:mi|ci) (?:puoi|può|potresti|potrebbe|potete|potreste|mandi|invii|confermi|sai dire|fai sapere)\b|\b(?:possiamo|potremmo|ci vediamo|ci sentiamo|vediamoci)\b.{0,200}\?|"
        r"\b(?:per favore|per piacere|per cortesia|cortesemente|gentilmente)\b|\b(?:fammi|dimmi|mandami|inviami|chiamami|girami|passami|confermami|fateci|fatemi|ditemi|mandatemi|inviatemi|mi faccia|mi dica|mi mandi|mi invii|ricordati di|aiutami|aggiornami|tienimi|avvisami|rispondimi)\b|"
        r"\b(?:ho|avrei|abbiamo|avremmo) bisogno (?:che|di (?:un tuo|una tua|sapere|avere|ricevere)|del tuo|della tua|dei tuoi|del suo|della sua)\b|\b(?:mi|ci) serv(?:e|irebbe|irebbero|ono) (?:il tuo|la tua|il suo|la sua|sapere|avere|un|una|i tuoi)\b|\b(?:vorrei|volevo|gradirei)\b.{0,20}\b(?:sapere|che (?:tu|lei|mi)|chiederti|chiederle|un tuo|parlarti|vederti|avere (?:il tuo|la tua))|"
        r"\b(?:attendo|aspetto|attendiamo|in attesa di|resto in attesa di) (?:un tuo|una tua|un suo|una sua|tua|tue|tuo|vostra|vostro|sua|suo|la tua|il tuo)\b|\bsarebbe (?:possibile|bello|utile|ottimo|perfetto|fantastico) (?:se|che|avere|sapere)\b|\bse potessi\b|\b(?:che|cosa) (?:ne )?(?:pensi|pensa|dici|pensate)\b|\bti va\b|\bti (?:chiederei|chiedo|prego) di\b|\ble (?:chiederei|chiedo|chiediamo) di\b|\bla prego di\b",
    ),
    no_ask=rule(
        r"\bnon esit(?:are|i|ate)\b|\b(?:per|se hai|se ha|se avete) (?:qualsiasi|qualunque|ulteriori|domande|dubbi|bisogno)\b|\bin caso di\b|\bclicca\b|\bcliccare\b|\bcancellare l'iscrizione\b|\bin allegato\b.{0,15}\btrov|\bnon rispondere\b|\bnon c'è bisogno\b|\bresto a (?:tua )?disposizione\b|\bprego[.!]$",
    ),
    no_question=rule(
        r"\b(?:come (?:stai|sta|state|va|vanno|ti va)|com(?:'è|e è) andat[oaei] (?:il|la|le|i) (?:tuo |tua |tue )?(?:weekend|fine settimana|vacanz[ae]|viaggio|ferie|feste)|tutto bene|che si dice|chi lo sa|perché no|vero|no|giusto|non trovi|non è vero|ti rendi conto)\b[^?]{0,40}\?",
    ),
    promise=rule(
        rf"\b(?:ti|le|vi|te lo|te la|te li|te ne|glielo|gliela|ve lo|lo|la|li|ci|me ne|mi) {_DO}\b|(?:^|[,;] |\be |\bpoi )(?:io )?(?:invierò|manderò|chiamerò|scriverò|confermerò|farò|preparerò|controllerò|verificherò|risponderò|chiederò|consegnerò|finirò|contatterò|condividerò|prenoterò)\b|"
        r"\b(?:te|ti|le|vi) (?:faccio|farò) (?:sapere|avere)\b|\bvi (?:faremo|invieremo|manderemo|contatteremo)\b|\b(?:le|ti) (?:faremo|invieremo|manderemo|confermeremo) \w+|\bme ne occupo\b|\b(?:ti|le|vi) (?:prometto|assicuro) (?:di|che)\b|\b(?:ti )?tengo (?:aggiornat[oa]|informat[oa])\b|\bti terrò\b|"
        r"\b(?:riceverai|riceverà|avrai|avrà|riceverete)\b.{0,100}\b(?:domani|oggi|entro|prima|lunedì|martedì|mercoledì|giovedì|venerdì|settimana|stasera)\b",
    ),
    no_promise=rule(
        r"\?$|^se (?:vuoi|vuole|ti|le|hai|serve)\b|\b(?:se (?:vuoi|vuole|serve|preferisci|necessario|ho (?:tempo|un attimo)|riesco|posso|trovo)|forse|magari|mai|sempre|ieri|non (?:ti|te|le|lo|la|mi|ve|ci|glielo|gliela|posso)|in allegato)\b|\b(?:ti|le|vi) scrivo (?:per|perché|in|a|da|con)\b|\bmi chiedo\b|\b(?:ti|le|vi) (?:presento|mando un (?:saluto|abbraccio|bacio)|invio (?:cordiali|i miei)|confermo (?:che|la|il|di)|metto in|chiedo|chiederei|passo (?:davanti|per))\b|\b(?:lo|la|ci|mi) (?:sento|passo|porto|metto|do|dico|faccio (?:un|una|il|la))\b",
    ),
    thanks=rule(
        r"\b(?:grazie|ringrazio|ringraziare|ringraziamo|ringraziarti|ringraziarla|grat[oa])\b[^.!?]{0,40}?\b(?:per|di (?:avermi|averci|aver|cuore per)|del|della|dell'|dei|delle)\b|\b(?:mi|ci) (?:ha|hai|è stat[oa]|hanno|sono stat[ei])\b.{0,20}\b(?:aiutat[oa]|aiutat[ie]|(?:molto |davvero |di grande )?(?:utili?|aiuto))\b|\b(?:è stat[oa]|sono stat[ie]) (?:molto |davvero |di grande |preziosissim|prezios)\w* ?(?:util[ei]|aiuto|prezios\w+)?",
    ),
    no_thanks=rule(
        r"\bin anticipo\b|\banticipatamente\b|\bper (?:(?:la|il|le|i|l'|lo) ?)?(?:(?:tua|tuo|sua|suo|vostra|vostro|rapida|pronta|gentile|celere|cortese) )*(?:e-?mail|mail|messaggio|risposta|comprensione|pazienza|attenzione|interesse|acquisto|ordine|fiducia|informazioni?|info|iscrizione|averci (?:contattato|scritto|scelto)|avermi (?:scritto|risposto|contattato)|riscontro|collaborazione|registrazione|aggiornamento)\b|\bdella (?:tua |sua |vostra |pronta )?(?:risposta|mail|e-?mail|pazienza|comprensione|attenzione)\b|\bdel (?:messaggio|riscontro|tuo messaggio)\b|\b(?:sarei|saremmo|sarebbe)\b|\?$|\bno,? grazie\b|\bgrazie (?:a dio|al cielo)\b",
    ),
    introduction=rule(
        rf"\b(?:vorrei|volevo|desidero|lascia che|permettimi di|mi permetto di|lasciami)\b.{{0,20}}\bpresent(?:arti|arle|arvi|are|i)\b|\b(?:ti|le|vi) presento\b|\b(?:vi|ti|la) (?:metto|lascio) in (?:contatto|copia)\b|\bmetter(?:e|vi|ti|la)? in contatto\b|\b(?:metto|aggiungo|includo|inserisco|copio)\b.{{0,20}}{_NAME}.{{0,50}}(?:copia|cc|conversazione|thread|scambio)|\bmetto in (?:copia|cc|contatto) {_NAME}|{_NAME} \((?:in )?(?:cc|copia)\)|{_NAME},? (?:in copia|in cc)\b",
        re.IGNORECASE,
    ),
    no_introduction=rule(
        r"\bpresentar(?:mi|ci)\b|\bmi presento\b|\bgrazie\b|\b(?:puoi|può|potresti|potrebbe)\b|\bmettermi in contatto\b|\bpresent(?:o|are) (?:il|la|i|le|lo|l'|un|una) ?(?:nostr\w+|prodotto|relazione|offerta|nuov\w+|risultati|proposta|progetto)|\?$",
        re.IGNORECASE,
    ),
)
