"""The French rules."""

import re

from services.signals.language import Language, rule, words

_NAME = r"(?-i:[A-ZÀ-Ý][\w'’.-]+(?: [A-ZÀ-Ý][\w'’.-]+){0,3})"
_DO = (
    r"(?:enverrai|envoie|transmettrai|transmets|reviens|reviendrai|rappelle|rappellerai|appelle|appellerai|fais|ferai|tiens|tiendrai|prépare|préparerai|vérifie|vérifierai|"
    r"regarde|regarderai|partage|partagerai|écris|écrirai|confirme|confirmerai|donne|donnerai|occupe|occuperai|réserve|réserverai|mets|mettrai|relis|relirai|renseigne|"
    r"finirai|finis|terminerai|termine|livrerai|répondrai|réponds|présenterai|demande|demanderai|renvoie|renverrai|transfère|transférerai|apporterai|verrai|fournirai|informerai)"
)

FRENCH = Language(
    code="fr",
    common=words(
        "le la les de des du et je tu vous nous il est pas un une à en que qui pour sur avec dans ce au aux votre vos ton ta mon ma mes me te "
        "merci bonjour bonsoir être avoir suis ai avez sont plus si mais ou par cette cet ne se j'ai c'est d'une l'ai salut"
    ),
    ask_words=words(
        "pouvez pourriez voulez voudriez auriez seriez peux pourrais veux aurais serais voudrais pouvez-vous pourriez-vous peux-tu pourrais-tu voulez-vous voudriez-vous auriez-vous seriez-vous veux-tu aurais-tu serais-tu pouvons pourrions pouvons-nous pourrions-nous peut pourrait veuillez merci plaît plait svp stp dis-moi dites-moi besoin aimerais j'aimerais souhaiterais aimerions attends j'attends attendons attente serait penses-tu pensez-vous penses pensez voit parle s'appelle demandais voulais envoie-moi envoyez-moi tiens-moi tenez-moi rappelle-moi rappelez-moi appelle-moi appelez-moi fais-moi faites-moi donne-moi donnez-moi transmets-moi transmettez-moi confirme-moi confirmez-moi tiens-nous tenez-nous dites-nous dis-nous envoyez-nous faites-nous donnez-nous envoie-le envoyez-le envoie-la"
    ),
    promise_words=words(
        "je j'enverrai j'envoie j'appellerai j'appelle j'écrirai j'apporterai j'apporte j'en j'y nous recevras recevrez auras aurez"
    ),
    thanks_words=words(
        "merci remercie remercier remercions remerciements reconnaissant reconnaissante aidé aidée m'a précieux précieuse utile utiles aide"
    ),
    introduction_words=words(
        "présente présenter mets mettre mettant met contact relation copie cc boucle j'ajoute j'ai connaissance mise"
    ),
    ask=rule(
        r"\b(?:pouvez|pourriez|voulez|voudriez|auriez|seriez)[- ]vous\b|\bvous (?:pouvez|pourriez)\b.{1,200}\?|\b(?:peux|pourrais|veux|aurais|serais|voudrais)[- ]tu\b|\btu (?:peux|pourrais)\b.{1,200}\?|"
        r"\b(?:pouvons|pourrions)[- ]nous\b|\bon (?:peut|pourrait)\b.{1,200}\?|\bveuillez\b|\bmerci de (?:me |nous |bien vouloir |ne pas |m'|vous )?\w+|\bs'il (?:vous|te) pla[iî]t\b|\b(?:svp|stp)\b|"
        r"\b(?:dis|dites|envoie|envoyez|tiens|tenez|rappelle|rappelez|appelle|appelez|fais|faites|donne|donnez|transmets|transmettez|confirme|confirmez)-(?:moi|nous|le|la|les)\b|"
        r"\bj'(?:ai|aurais) (?:encore )?besoin (?:de (?:ton|ta|tes|votre|vos)|que (?:tu|vous))\b|\b(?:j'aimerais|je souhaiterais|je voudrais|nous aimerions)\b.{0,20}\b(?:que (?:tu|vous)|avoir (?:ton|votre|vos)|savoir|connaître|te (?:voir|parler|demander)|vous (?:voir|parler|demander|rencontrer))|"
        r"\b(?:j'attends|nous attendons|dans l'attente de) (?:ton|ta|tes|votre|vos)\b|\b(?:ce )?serait (?:bien|super|génial|sympa|possible|parfait|top|utile)\b.{0,10}\b(?:si|que|de)\b|\bqu'en (?:penses-tu|pensez-vous)\b|\bon (?:se voit|se parle|s'appelle)\b.{0,120}\?|\bje (?:me demandais|voulais savoir) si\b",
    ),
    no_ask=rule(
        r"\bn'hésite[zs]? (?:pas|surtout)\b|\bveuillez (?:trouver|agréer|recevoir|noter|accepter|croire|excuser|ne pas répondre)\b|\bsi (?:vous avez|tu as|besoin)\b.{0,40}\b(?:questions?|besoin|problème)|\bje reste à\b|\bmerci de (?:ton|ta|votre|vos|l')\b|\bmerci de (?:m'|nous )?(?:avoir|être)\b|\bmerci de ne pas répondre\b|\bcliquez\b|\bdésabonner\b|\bdans l'attente de (?:vous|te) (?:lire|voir|rencontrer)\b|\bci-joint\b",
    ),
    no_question=rule(
        r"\b(?:comment (?:ça va|vas-tu|allez-vous|va|tu vas|vous allez)|ça va|quoi de neuf|n'est-ce pas|pas vrai|qui sait|comment s'est passée?s? (?:ton|ta|tes|votre|vos|le|la|les) (?:week-?end|vacances|voyage|fêtes|soirée)|pourquoi pas|hein|non|tu (?:te )?rends compte)\b[^?]{0,30}\?",
    ),
    promise=rule(
        rf"\bje (?:te |vous |t'|m'|me |le |la |les |lui |leur |m'en |l'|vous le |te le |te la |vous la |te les |vous les |en |y )*{_DO}\b|\bj'(?:en |y )?(?:enverrai|envoie|appellerai|appelle|écrirai|apporterai|apporte)\b|\bnous (?:vous |te |t')?(?:enverrons|envoyons|transmettrons|reviendrons|reviendrons|rappellerons|tiendrons|ferons|préparerons|confirmerons|livrerons)\b|"
        r"\bje (?:vais|m'engage à) (?:te |vous |t'|m'|me |le |la |les |l'|lui )*(?:envoyer|transmettre|revenir|rappeler|appeler|préparer|vérifier|regarder|partager|écrire|confirmer|occuper|demander|faire suivre|finir|terminer|renseigner|relire|répondre|mettre|voir avec|en parler|parler)\b|\bje (?:te|vous) (?:promets|le promets)\b|"
        r"\b(?:tu (?:recevras|auras)|vous (?:recevrez|aurez))\b.{1,100}\b(?:demain|aujourd'hui|avant|d'ici|lundi|mardi|mercredi|jeudi|vendredi|semaine|ce soir|de ma part)\b",
    ),
    no_promise=rule(
        r"\?$|^si (?:tu|vous|besoin)\b|\b(?:si (?:tu (?:veux|préfères|as)|vous (?:voulez|souhaitez|avez|préférez)|besoin|nécessaire|j'ai (?:le temps|un moment)|j'y arrive|je (?:peux|trouve|pense))|peut-être|jamais|toujours|ne .{0,20} pas|n'\w+ pas|hier|souvent|d'habitude|ci-joint|en pièce jointe)\b|\bje (?:me|te|vous) (?:demande|écris (?:pour|au|afin|suite|car))\b|\bje (?:me )?demande (?:si|ce|pourquoi|comment)|\bje vous écris\b|\bje t'écris\b|\bje (?:vous|te) (?:mets|présente|confirme (?:que|la|le|avoir|bien))|\bje vous prie\b|\bje (?:vous|te) envoie (?:mes|un bonjour|ci)|\b(?:envoie|fais)\b[^,.]{0,20}\b(?:bisous?|bises?|baisers?|amitiés)\b|\bje tiens à\b|\bje fais partie\b|\bje suis\b.{0,10}\ben train\b",
    ),
    thanks=rule(
        r"\b(?:merci|remercie|remercier|remercions|remerciements|reconnaissante?)\b[^.!?]{0,40}?\b(?:pour|de (?:m'|nous |t'|vous )?(?:avoir|être|l'avoir)|d'avoir|de (?:ton|votre) (?:aide|accueil|soutien|temps|conseil))\b|\bm'a (?:beaucoup |vraiment |énormément |bien )?aidée?\b|\b(?:a|ont) été (?:très |vraiment |d'une grande |extrêmement )?(?:précieux|utiles?|précieuse|aide)\b",
    ),
    no_thanks=rule(
        r"\b(?:par|d') ?avance\b|\bmerci (?:beaucoup )?(?:de|pour) (?:(?:ton|ta|votre|le|la|ce|vos|l') ?)?(?:(?:rapide|prompte|gentil) )?(?:e-?mail|mail|message|courriel|réponse|retour|compréhension|patience|confiance|commande|attention|inscription|intérêt|info|information|mot|achat|visite|mise à jour|courrier)\b|\bmerci de (?:me |nous |bien |vous )?(?:\w+er|\w+ir|\w+re|\w+oir)\b(?<!avoir)(?<!être)|\b(?:serais|serions|serait)\b|\?$|\bnon,? merci\b",
    ),
    introduction=rule(
        rf"\b(?:je|j'aimerais|je voudrais|je souhaite|permettez-moi de|permets-moi de|nous|laisse-moi)\b.{{0,30}}\b(?:te|vous)\b.{{0,10}}\bprésenter?\b|\bje (?:te|vous) présente\b|\bmet(?:s|tre|tant)? (?:en (?:relation|contact|copie)|dans la boucle)\b|\bje (?:vous |te )?mets en (?:relation|contact|copie)\b|\bj'(?:ajoute|ai ajouté|ai mis)\b.{{0,20}}{_NAME}.{{0,40}}(?:copie|cc|boucle|conversation|échange|fil)|{_NAME} \((?:en )?(?:cc|copie)\)|{_NAME},? (?:en copie|en cc|que je mets en copie)|\bje mets {_NAME}|\bfaites connaissance\b|\b(?:mise|mettre) en relation (?:avec|entre)",
        re.IGNORECASE,
    ),
    no_introduction=rule(
        r"\bme présenter\b|\bnous présenter\b|\bmerci\b|\b(?:peux|pourrais|pouvez|pourriez)[- ](?:tu|vous)\b|\bme mettre en\b|\bje me présente\b|\bprésente(?:r)? (?:mes|nos|toutes mes|nos meilleurs|les|le projet|notre|la nouvelle|le nouveau|mon projet) ?(?:condoléances|excuses|vœux|meilleurs|félicitations|résultats|produit|offre|gamme|équipe)?\b|\?$",
        re.IGNORECASE,
    ),
)
