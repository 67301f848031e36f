"""Reads the day that a clause names ("by Friday", "bis Ende der Woche", "avant le 20") in its writer's own day.

It never guesses: a number that could be two dates, a day that is only talked about ("Friday's notes"), is no day.

Which day a word means, where people differ:

- "by Friday" on a Friday is that same day; "on Friday" and "next Friday" are not.
- "next Friday" is the Friday of the next calendar week; weeks begin on Monday.
- a week's last day is its Friday; said on a Saturday or Sunday, the coming one. A weekend's is its Sunday.
- a period without a day ("next week", "end of March") stands for its last day; "before Friday" for Friday.
- a day of the year without a year that is past is next year's.
"""

import re
from calendar import monthrange
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cache

from msgspec import Struct

FRIDAY, SUNDAY = 4, 6


class _Words(Struct, frozen=True):
    """What a language's deadlines are made of; the fragments are regular expressions without capturing groups.

    `signs` are words besides weekdays and months without one of which no clause names a day.
    """

    weekdays: Mapping[str, int]
    months: Mapping[str, int]
    numbers: Mapping[str, int]
    days: Mapping[str, int]
    signs: str
    strong: str
    refused: str
    same_week: str
    next_before: str
    next_after: str
    this_before: str
    inside: str
    units: Mapping[str, str]
    periods: Mapping[str, str]
    ordinal: str
    article: str
    of: str
    day_first: bool = True
    possessive: str = ""


_EN = _Words(
    weekdays={
        "monday": 0,
        "mon": 0,
        "tuesday": 1,
        "tues": 1,
        "tue": 1,
        "wednesday": 2,
        "wed": 2,
        "thursday": 3,
        "thurs": 3,
        "thur": 3,
        "thu": 3,
        "friday": 4,
        "fri": 4,
        "saturday": 5,
        "sat": 5,
        "sunday": 6,
        "sun": 6,
    },
    months={
        "january": 1,
        "february": 2,
        "march": 3,
        "april": 4,
        "may": 5,
        "june": 6,
        "july": 7,
        "august": 8,
        "september": 9,
        "october": 10,
        "november": 11,
        "december": 12,
        "jan": 1,
        "feb": 2,
        "mar": 3,
        "apr": 4,
        "jun": 6,
        "jul": 7,
        "aug": 8,
        "sept": 9,
        "sep": 9,
        "oct": 10,
        "nov": 11,
        "dec": 12,
    },
    numbers={
        "a": 1,
        "an": 1,
        "one": 1,
        "two": 2,
        "a couple of": 2,
        "a couple": 2,
        "three": 3,
        "four": 4,
        "five": 5,
        "six": 6,
        "seven": 7,
        "eight": 8,
        "nine": 9,
        "ten": 10,
        "twelve": 12,
        "fourteen": 14,
    },
    days={
        "day after tomorrow": 2,
        "today": 0,
        "tonight": 0,
        "this morning": 0,
        "this afternoon": 0,
        "this evening": 0,
        "later on today": 0,
        "eod": 0,
        "cob": 0,
        "end of day": 0,
        "end of the day": 0,
        "close of business": 0,
        "end of business": 0,
        "tomorrow": 1,
        "tmrw": 1,
    },
    signs="today tonight morning afternoon evening eod cob business tomorrow tmrw day days week weeks weekend month months hour hours hrs hr minute minutes mins fortnight quarter year eow eom eoq eoy",
    strong=r"by|before|until|till|no later than|not later than|latest|due|deadline(?: is)?|due on|due by|by the latest",
    refused=r"after|since|from|of|last|past|about|re|dated|than|every|each|was|between|our|your|my|his|her|their|previous",
    same_week=r"(?:this|the coming|coming|this coming) ",
    next_before=r"next ",
    next_after=r" (?:of )?next week| week",
    this_before=r"(?:this|the coming|this coming) ",
    inside=r"in|within|within the next|in the next|over the next|inside|in about|in less than",
    units={
        "day": r"(?:business |working )?days?",
        "week": r"weeks?",
        "month": r"months?",
        "hour": r"hours?|hrs?|h",
        "minute": r"minutes?|mins?",
        "fortnight": r"fortnight",
    },
    periods={
        "early_next_week": r"(?:early|the beginning of|beginning of|the start of) next week",
        "mid_next_week": r"(?:mid|middle of|the middle of)[ -]next week",
        "next_week": r"(?:(?:the )?end of |late |later |sometime |some time )?next week",
        "this_week": r"(?:(?:the )?end of )?(?:this|the) week(?!end)|eow|later this week",
        "weekend": r"(?:this|the) weekend",
        "next_month": r"(?:(?:the )?end of )?next month",
        "this_month": r"(?:the )?end of (?:the|this) month|month[- ]end|eom|this month",
        "quarter": r"(?:the )?end of (?:the|this) quarter|quarter[- ]end|eoq",
        "year": r"(?:the )?end of (?:the|this) year|year[- ]end|eoy",
        "month_end": r"(?:the )?end of",
    },
    ordinal=r"(?:st|nd|rd|th)",
    article=r"the ",
    of=r" of | ",
    day_first=False,
    possessive=r"'s?\b|s'",
)

_DE = _Words(
    weekdays={
        "montag": 0,
        "dienstag": 1,
        "mittwoch": 2,
        "donnerstag": 3,
        "freitag": 4,
        "samstag": 5,
        "sonnabend": 5,
        "sonntag": 6,
        "mo": 0,
        "di": 1,
        "mi": 2,
        "do": 3,
        "fr": 4,
        "sa": 5,
        "so": 6,
    },
    months={
        "januar": 1,
        "jänner": 1,
        "februar": 2,
        "märz": 3,
        "april": 4,
        "mai": 5,
        "juni": 6,
        "juli": 7,
        "august": 8,
        "september": 9,
        "oktober": 10,
        "november": 11,
        "dezember": 12,
    },
    numbers={
        "einem": 1,
        "einer": 1,
        "ein": 1,
        "eine": 1,
        "zwei": 2,
        "drei": 3,
        "vier": 4,
        "fünf": 5,
        "sechs": 6,
        "sieben": 7,
        "acht": 8,
        "zehn": 10,
        "vierzehn": 14,
        "ein paar": 3,
    },
    days={
        "übermorgen": 2,
        "heute": 0,
        "heute abend": 0,
        "heute nachmittag": 0,
        "heute mittag": 0,
        "morgen": 1,
        "morgen früh": 1,
        "morgen abend": 1,
    },
    signs="heute morgen übermorgen tag tage tagen werktage werktagen arbeitstage arbeitstagen woche wochen wochenende monat monate monaten monats monatsende stunde stunden minuten quartals quartalsende jahres jahresende",
    strong=r"bis(?: zum| spätestens)?|spätestens(?: am| bis)?|vor(?: dem)?",
    refused=r"seit|nach|von|vom|letzten|letzte|vergangenen|guten|heute|jeden|am letzten|dem|ab",
    same_week=r"(?:diesen|diese|kommenden|diesem) ",
    next_before=r"(?:nächsten|nächste|nächstem) ",
    next_after=r" (?:nächster|nächste|kommender) woche",
    this_before=r"(?:diesen|kommenden|diesem) ",
    inside=r"in|binnen|innerhalb von|innerhalb der nächsten|in den nächsten|innerhalb",
    units={
        "day": r"(?:werk|arbeits)?tag(?:e|en)?",
        "week": r"wochen?",
        "month": r"monat(?:e|en)?",
        "hour": r"stunden?",
        "minute": r"minuten?",
        "fortnight": r"vierzehntage",
    },
    periods={
        "early_next_week": r"anfang (?:nächster|kommender|der nächsten|der kommenden) woche",
        "mid_next_week": r"mitte (?:nächster|kommender|der nächsten|der kommenden) woche",
        "next_week": r"(?:ende )?(?:der )?(?:nächsten|nächster|nächste|kommender|kommende|kommenden) woche",
        "this_week": r"(?:zum )?ende (?:der|dieser) woche|(?:zum )?wochenende|diese woche|(?:im laufe )?dieser woche",
        "weekend": r"(?:am|dieses|übers) wochenende",
        "next_month": r"(?:ende )?(?:nächsten|nächster|des nächsten|kommenden) monats?",
        "this_month": r"(?:zum )?ende (?:des|dieses) monats?|monatsende|diesen monat",
        "quarter": r"(?:zum )?ende des quartals|quartalsende",
        "year": r"(?:zum )?ende des jahres|jahresende",
        "month_end": r"ende",
    },
    ordinal=r"\.",
    article=r"(?:zum |am |den |dem )",
    of=r" ",
)

_FR = _Words(
    weekdays={"lundi": 0, "mardi": 1, "mercredi": 2, "jeudi": 3, "vendredi": 4, "samedi": 5, "dimanche": 6},
    months={
        "janvier": 1,
        "février": 2,
        "mars": 3,
        "avril": 4,
        "mai": 5,
        "juin": 6,
        "juillet": 7,
        "août": 8,
        "septembre": 9,
        "octobre": 10,
        "novembre": 11,
        "décembre": 12,
    },
    numbers={
        "un": 1,
        "une": 1,
        "deux": 2,
        "trois": 3,
        "quatre": 4,
        "cinq": 5,
        "six": 6,
        "sept": 7,
        "huit": 8,
        "dix": 10,
        "quinze": 15,
    },
    days={
        "après-demain": 2,
        "aujourd'hui": 0,
        "ce soir": 0,
        "cet après-midi": 0,
        "ce matin": 0,
        "demain": 1,
        "demain matin": 1,
        "demain soir": 1,
        "en fin de journée": 0,
        "fin de journée": 0,
    },
    signs="demain aujourd soir midi matin journée jour jours semaine semaines mois heure heures minutes quinzaine week weekend trimestre année",
    strong=r"avant(?: le)?|d'ici(?: à| au)?|jusqu'(?:à|au)|pour(?: le)?|au plus tard(?: le)?",
    refused=r"depuis|après|de|du|dernier|chaque|dès|le dernier",
    same_week=r"ce ",
    next_before=r"(?:le )?prochain ",
    next_after=r" de la semaine prochaine| en huit",
    this_before=r"ce ",
    inside=r"dans|sous|d'ici|dans les|en",
    units={
        "day": r"jours?(?: ouvrés| ouvrables)?",
        "week": r"semaines?",
        "month": r"mois",
        "hour": r"heures?|h",
        "minute": r"minutes?|min",
        "fortnight": r"quinzaine",
    },
    periods={
        "early_next_week": r"(?:le )?début (?:de la )?semaine prochaine",
        "mid_next_week": r"(?:le )?milieu (?:de la )?semaine prochaine",
        "next_week": r"(?:(?:la )?fin de )?(?:la )?semaine prochaine",
        "this_week": r"(?:la )?fin de (?:la|cette) semaine|fin de semaine|cette semaine",
        "weekend": r"ce week-?end",
        "next_month": r"(?:(?:la )?fin du )?mois prochain|le mois prochain",
        "this_month": r"(?:la )?fin (?:du|de ce) mois|fin de mois|ce mois-ci",
        "quarter": r"(?:la )?fin du trimestre",
        "year": r"(?:la )?fin de (?:l'année|cette année)|fin d'année",
        "month_end": r"(?:la )?fin",
    },
    ordinal=r"(?:er)",
    article=r"(?:le |au )",
    of=r" ",
)

_ES = _Words(
    weekdays={
        "lunes": 0,
        "martes": 1,
        "miércoles": 2,
        "miercoles": 2,
        "jueves": 3,
        "viernes": 4,
        "sábado": 5,
        "sabado": 5,
        "domingo": 6,
    },
    months={
        "enero": 1,
        "febrero": 2,
        "marzo": 3,
        "abril": 4,
        "mayo": 5,
        "junio": 6,
        "julio": 7,
        "agosto": 8,
        "septiembre": 9,
        "setiembre": 9,
        "octubre": 10,
        "noviembre": 11,
        "diciembre": 12,
    },
    numbers={
        "un": 1,
        "una": 1,
        "dos": 2,
        "un par de": 2,
        "tres": 3,
        "cuatro": 4,
        "cinco": 5,
        "seis": 6,
        "siete": 7,
        "ocho": 8,
        "diez": 10,
        "quince": 15,
    },
    days={
        "pasado mañana": 2,
        "hoy": 0,
        "esta tarde": 0,
        "esta noche": 0,
        "esta mañana": 0,
        "hoy mismo": 0,
        "final del día": 0,
        "mañana": 1,
        "mañana por la mañana": 1,
        "mañana por la tarde": 1,
    },
    signs="mañana hoy tarde noche día días semana semanas mes meses hora horas minutos quincena trimestre año",
    strong=r"antes del?|para(?: el)?|hasta(?: el)?|a más tardar(?: el)?|como muy tarde(?: el)?",
    refused=r"desde|después|del|de|pasado|cada|último",
    same_week=r"este ",
    next_before=r"(?:el )?próximo ",
    next_after=r" (?:que viene|de la semana que viene|de la próxima semana)",
    this_before=r"este ",
    inside=r"en|dentro de|en los próximos|en unos|en menos de",
    units={
        "day": r"días?(?: hábiles| laborables)?",
        "week": r"semanas?",
        "month": r"mes(?:es)?",
        "hour": r"horas?|h",
        "minute": r"minutos?|min",
        "fortnight": r"quincena",
    },
    periods={
        "early_next_week": r"(?:a )?principios de la (?:próxima semana|semana que viene)",
        "mid_next_week": r"(?:a )?mediados de la (?:próxima semana|semana que viene)",
        "next_week": r"(?:(?:a )?final(?:es)? de )?(?:la )?(?:próxima semana|semana que viene|semana próxima)",
        "this_week": r"(?:a )?final(?:es)? de (?:la |esta )?semana|esta semana",
        "weekend": r"(?:este|el) fin de semana",
        "next_month": r"(?:(?:a )?final(?:es)? del )?(?:próximo mes|mes que viene)",
        "this_month": r"fin(?:al|ales)? de(?:l| este)? mes|este mes",
        "quarter": r"fin(?:al|ales)? del trimestre",
        "year": r"fin(?:al|ales)? de(?: este)? año",
        "month_end": r"(?:a )?fin(?:al|ales)? de",
    },
    ordinal=r"(?:º)",
    article=r"(?:el día |el |al |día )",
    of=r" de | del ",
)

_IT = _Words(
    weekdays={
        "lunedì": 0,
        "martedì": 1,
        "mercoledì": 2,
        "giovedì": 3,
        "venerdì": 4,
        "sabato": 5,
        "domenica": 6,
        "lunedi": 0,
        "martedi": 1,
        "mercoledi": 2,
        "giovedi": 3,
        "venerdi": 4,
    },
    months={
        "gennaio": 1,
        "febbraio": 2,
        "marzo": 3,
        "aprile": 4,
        "maggio": 5,
        "giugno": 6,
        "luglio": 7,
        "agosto": 8,
        "settembre": 9,
        "ottobre": 10,
        "novembre": 11,
        "dicembre": 12,
    },
    numbers={
        "un": 1,
        "una": 1,
        "due": 2,
        "un paio di": 2,
        "tre": 3,
        "quattro": 4,
        "cinque": 5,
        "sei": 6,
        "sette": 7,
        "otto": 8,
        "dieci": 10,
        "quindici": 15,
    },
    days={
        "dopodomani": 2,
        "oggi": 0,
        "stasera": 0,
        "stamattina": 0,
        "oggi pomeriggio": 0,
        "questa sera": 0,
        "fine giornata": 0,
        "domani": 1,
        "domani mattina": 1,
        "domani sera": 1,
    },
    signs="dopodomani oggi stasera stamattina sera giornata domani giorno giorni settimana settimane mese mesi ora ore minuti quindicina weekend trimestre anno",
    strong=r"entro(?: il| la| le)?|prima d(?:i|el)|per(?: il)?|fino a(?:l)?|al più tardi(?: il)?",
    refused=r"da|dal|dopo|di|del|scorso|ogni|scorsa",
    same_week=r"questo ",
    next_before=r"(?:il )?prossimo ",
    next_after=r" (?:prossimo|della prossima settimana|della settimana prossima)",
    this_before=r"questo ",
    inside=r"in|tra|fra|entro|nei prossimi|nelle prossime|entro le prossime",
    units={
        "day": r"giorn[oi](?: lavorativi)?",
        "week": r"settiman[ae]",
        "month": r"mes[ei]",
        "hour": r"or[ae]",
        "minute": r"minut[oi]",
        "fortnight": r"quindicina",
    },
    periods={
        "early_next_week": r"(?:l')?inizio (?:della )?(?:prossima settimana|settimana prossima)",
        "mid_next_week": r"(?:la )?metà (?:della )?(?:prossima settimana|settimana prossima)",
        "next_week": r"(?:(?:la )?fine (?:della )?)?(?:la )?(?:prossima settimana|settimana prossima)",
        "this_week": r"(?:la )?fine (?:della )?settimana|questa settimana",
        "weekend": r"(?:questo|nel) (?:weekend|fine settimana)",
        "next_month": r"(?:(?:la )?fine (?:del )?)?(?:prossimo mese|mese prossimo)",
        "this_month": r"(?:la )?fine (?:del )?mese|questo mese",
        "quarter": r"(?:la )?fine (?:del )?trimestre",
        "year": r"(?:la )?fine (?:dell')?anno",
        "month_end": r"(?:la )?fine(?: di)?",
    },
    ordinal=r"(?:º)",
    article=r"(?:il |al )",
    of=r" ",
)

_LANGUAGES: Mapping[str, _Words] = {"en": _EN, "de": _DE, "fr": _FR, "es": _ES, "it": _IT}


class _Grammar(Struct, frozen=True):
    gate: frozenset[str]
    pattern: re.Pattern[str]
    words: _Words


def find_due(clause: str, at: datetime, language: str = "en") -> date | None:
    """The last day that a clause sets as a deadline or a time of doing, in the writer's calendar; else None.

    Args:
        clause: one sentence.
        at: the local time of writing, naive.
        language: `en`, `de`, `fr`, `es` or `it`; another is read as English.
    """
    lowered = clause[:1000].lower().replace("’", "'")
    grammar = _grammar(language if language in _LANGUAGES else "en")
    if grammar.gate.isdisjoint(_TOKEN.findall(lowered)):
        return None
    start = next(m.start() for m in _TOKEN.finditer(lowered) if m[0] in grammar.gate)
    strong: list[date] = []
    plain: list[date] = []
    for match in grammar.pattern.finditer(lowered, max(0, start - _LONGEST_LEAD)):
        day = _resolve(match, grammar.words, at)
        if day is not None:
            (strong if match["strong"] else plain).append(day)
    return max(strong or plain, default=None)


_LONGEST_LEAD = 40
_TOKEN = re.compile(r"[^\W\d_]+|\d+")


@cache
def _grammar(language: str) -> _Grammar:
    words = _LANGUAGES[language]
    weekday = _either(words.weekdays)
    month = _either(words.months)
    number = rf"\d{{1,2}}|{_either(words.numbers)}"
    unit = "|".join(rf"(?P<{name}>(?:{fragment})\b)" for name, fragment in words.units.items())
    named_day = rf"(?P<{{0}}day>\d{{{{1,2}}}}){words.ordinal}?"
    year = r"(?:,? (?P<{0}year>20\d\d)\b)?"
    date_forms = [
        r"(?P<iso>20\d\d-\d\d-\d\d)\b",
        rf"(?:(?:{weekday})\.?,? )?(?:{words.article})?"
        + named_day.format("dm")
        + rf"(?:{words.of})(?P<dmmonth>{month})\b\.?"
        + year.format("dm"),
        r"(?P<dots>\d{1,2}\.\d{1,2}\.(?:20\d\d|\d\d(?!\d))?)",
        r"(?P<slash>\d{1,2}[/-]\d{1,2}(?:[/-](?:20)?\d\d)?)(?![\d/-])",
    ]
    if language == "en":
        date_forms.append(
            rf"(?:(?:{weekday})\.?,? )?(?P<mdmonth>{month})\b\.? (?:the )?"
            + named_day.format("md")
            + r"\b(?!:\d)"
            + year.format("md")
        )
    periods = "|".join(
        rf"(?P<{name}>(?:{fragment})\b)" for name, fragment in words.periods.items() if name != "month_end"
    )
    date_forms += [
        rf"(?:{words.periods['month_end']}) (?P<month_end>{month})\b",
        periods,
        rf"(?:{words.inside}) (?P<count>{number})[ -](?:{unit})",
        rf"(?P<ahead>{number}) (?:days|weeks) from (?:now|today)" if language == "en" else r"(?P<ahead>(?!))",
        rf"a week (?:from|on) (?P<week_from>{weekday}|today|tomorrow)\b"
        if language == "en"
        else r"(?P<week_from>(?!))",
        rf"\b(?<!\bla )(?P<word>{_either(words.days)})\b(?!,? (?:on )?(?:{weekday})\b)",
        (
            rf"(?P<same>{words.same_week})?(?P<next>{words.next_before})?(?:{words.article})?(?P<weekday>{weekday})\b\.?"
            rf"(?:(?P<weekday_day>,? (?:{words.article})?\d{{1,2}}(?:{words.ordinal}))(?!\w))?"
            rf"(?P<after>(?:{words.next_after})\b)?"
        ),
        rf"(?:{words.article})(?P<monthday>\d{{1,2}}){words.ordinal if language in {'en', 'de'} else ''}(?![\w:.,%/]\d)(?!\w)",
    ]
    refused = rf"(?:(?P<refused>{words.refused}) (?:the |dem |den |le |la |el |il )?)?"
    pattern = rf"(?<![\w./-])(?=\w)(?:(?P<strong>{words.strong})[: ] ?(?:the )?)?{refused}(?:{'|'.join(date_forms)})(?P<tail>{words.possessive or '(?!)'})?"
    numbers = (
        {str(n) for n in range(100)} | {f"{n:02}" for n in range(10)} | {str(n) for n in range(2000, 2100)}
    )
    gate = {*numbers, *words.weekdays, *words.months, *words.signs.split()}
    return _Grammar(frozenset(gate), re.compile(pattern), words)


def _either(words: Mapping[str, int]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


def _resolve(match: re.Match[str], words: _Words, at: datetime) -> date | None:
    today = at.date()
    if match["tail"] or match["refused"]:
        return None
    try:
        if match["iso"]:
            return date.fromisoformat(match["iso"])
        if match["dmmonth"]:
            return _in_year(today, words.months[match["dmmonth"]], int(match["dmday"]), match["dmyear"])
        groups = match.re.groupindex
        if "mdmonth" in groups and match["mdmonth"]:
            return _in_year(today, words.months[match["mdmonth"]], int(match["mdday"]), match["mdyear"])
        if match["dots"]:
            day, month, year = match["dots"].split(".")
            return _in_year(today, int(month), int(day), year)
        if match["slash"]:
            return _numeric(match["slash"], today, words.day_first)
        if match["month_end"]:
            return _end_of_month(_upcoming_month(today, words.months[match["month_end"]]))
        for name in words.periods:
            if name in groups and match[name]:
                return _end_of_period(name, today)
        if match["count"]:
            return _ahead(match, words, at)
        if match["ahead"]:
            count = _number(match["ahead"], words)
            return today + timedelta(days=count * (7 if "week" in match[0] else 1))
        if match["week_from"]:
            word = match["week_from"]
            start = _next_weekday(today, words.weekdays[word]) if word in words.weekdays else today
            return start + timedelta(days=8 if word == "tomorrow" else 7)
        if match["word"]:
            return today + timedelta(days=words.days[match["word"]])
        if match["weekday"]:
            return _weekday(match, words, today)
        if match["monthday"]:
            return _day_of_month(today, int(match["monthday"]))
    except (ValueError, OverflowError):
        return None
    return None


def _weekday(match: re.Match[str], words: _Words, today: date) -> date | None:
    weekday = words.weekdays[match["weekday"]]
    if match["weekday_day"]:
        number = int("".join(filter(str.isdigit, match["weekday_day"])))
        day = _day_of_month(today, number)
        return day if day is not None and day.weekday() == weekday else None
    if match["after"] and match["after"] in {" week", " en huit"}:
        return _next_weekday(today, weekday) + timedelta(days=7)
    if match["next"] or match["after"]:
        return _monday(today) + timedelta(days=7 + weekday)
    if len(match["weekday"]) < 3 and not match["strong"]:
        return None
    if weekday == today.weekday() and (match["strong"] or match["same"]):
        return today
    return _next_weekday(today, weekday)


def _ahead(match: re.Match[str], words: _Words, at: datetime) -> date:
    count = _number(match["count"], words)
    today = at.date()
    if match["hour"]:
        return (at + timedelta(hours=count)).date()
    if match["minute"]:
        return (at + timedelta(minutes=count)).date()
    if match["month"]:
        month = today.month - 1 + count
        year, month = today.year + month // 12, month % 12 + 1
        return date(year, month, min(today.day, monthrange(year, month)[1]))
    if match["day"] and re.search(
        r"business|working|werk|arbeits|ouvr|hábil|laborabl|lavorativ", match["day"]
    ):
        return _working_days(today, count)
    return today + timedelta(days=count * (1 if match["day"] else 14 if match["fortnight"] else 7))


def _working_days(today: date, count: int) -> date:
    day = today
    while count > 0:
        day += timedelta(days=1)
        count -= day.weekday() <= FRIDAY
    return day


def _number(text: str, words: _Words) -> int:
    return words.numbers[text] if text in words.numbers else int(text)


def _end_of_period(name: str, today: date) -> date:
    monday = _monday(today)
    if name == "early_next_week":
        return monday + timedelta(days=8)
    if name == "mid_next_week":
        return monday + timedelta(days=9)
    if name == "next_week":
        return monday + timedelta(days=7 + FRIDAY)
    if name == "this_week":
        return monday + timedelta(days=FRIDAY if today.weekday() <= FRIDAY else 7 + FRIDAY)
    if name == "weekend":
        return monday + timedelta(days=SUNDAY)
    if name == "next_month":
        return _end_of_month(_end_of_month(today) + timedelta(days=1))
    if name == "this_month":
        return _end_of_month(today)
    if name == "quarter":
        return _end_of_month(date(today.year, (today.month - 1) // 3 * 3 + 3, 1))
    return date(today.year, 12, 31)


def _in_year(today: date, month: int, day: int, year: str | None) -> date:
    if year:
        return date(int(year) + (2000 if len(year) == 2 else 0), month, day)
    if (month, day) == (2, 29):
        return next(date(y, 2, 29) for y in range(today.year, today.year + 9) if _is_ahead(y, today))
    this_year = date(today.year, month, day)
    return this_year if this_year >= today else date(today.year + 1, month, day)


def _is_ahead(year: int, today: date) -> bool:
    return monthrange(year, 2)[1] == 29 and date(year, 2, 29) >= today


def _numeric(text: str, today: date, day_first: bool) -> date | None:
    parts = re.split(r"[/-]", text)
    if "-" in text and len(parts) == 2:
        return None
    first, second = int(parts[0]), int(parts[1])
    year = parts[2] if len(parts) == 3 else None
    if first > 12 >= second or (day_first and second <= 12):
        return _in_year(today, second, first, year)
    if second > 12 >= first or first == second:
        return _in_year(today, first, second, year)
    return None


def _day_of_month(today: date, number: int) -> date | None:
    month = today.replace(day=1)
    for _ in range(12):
        if number <= monthrange(month.year, month.month)[1]:
            day = month.replace(day=number)
            if day >= today:
                return day
        month = _end_of_month(month) + timedelta(days=1)
    return None


def _upcoming_month(today: date, month: int) -> date:
    return date(today.year + (month < today.month), month, 1)


def _end_of_month(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _next_weekday(today: date, weekday: int) -> date:
    return today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)
