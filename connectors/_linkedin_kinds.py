"""The files of the LinkedIn export that Kith reads, and every name seen for them and their columns; no code.

Names are folded (`fold`): lower case, without accents, blanks, underscores and signs. English comes first, the names
of other interface languages after; those are unconfirmed, and harmless where they do not occur.
"""

from connectors._linkedin_csv import Kind

_FIRST = (
    "firstname", "first", "givenname", "vorname", "prenom", "nombre", "nome", "voornaam", "primeironome",
)  # fmt: skip
_LAST = (
    "lastname", "last", "familyname", "surname", "nachname", "nomdefamille", "nom", "apellidos", "apellido",
    "cognome", "sobrenome", "apelido", "achternaam",
)  # fmt: skip
_EMAIL = (
    "emailaddress", "email", "email1address", "emailadresse", "adresseemail", "adressemail", "correoelectronico",
    "direcciondecorreoelectronico", "indirizzoemail", "enderecodeemail", "emailadres",
)  # fmt: skip
_COMPANY = (
    "company", "currentcompany", "companyname", "organization", "organisation", "unternehmen", "firma",
    "entreprise", "empresa", "azienda", "bedrijf",
)  # fmt: skip
_TITLE = (
    "position", "currentposition", "jobtitle", "title", "poste", "puesto", "cargo", "posizione", "ruolo", "functie",
    "positie",
)  # fmt: skip

CONNECTIONS = Kind(
    name="connections",
    files=frozenset({
        "connections", "linkedinconnections", "linkedinconnectionsexportmicrosoftoutlook",
        "linkedinconnectionsexportyahoo", "linkedinconnectionsexportmicrosoftoutlookexpress",
        "linkedinconnectionsexportoutlookexpress", "linkedinconnectionsexport",
    }),
    columns={
        "first_name": _FIRST,
        "last_name": _LAST,
        "name": ("fullname", "name"),
        "url": ("url", "profileurl", "publicprofileurl", "linkedinurl", "linkedinprofile"),
        "email_address": _EMAIL,
        "company": _COMPANY,
        "position": _TITLE,
        "connected_on": (
            "connectedon", "connected", "connectiondate", "verbundenam", "vernetztam", "vernetztseit",
            "connectele", "enrelationdepuis", "relationetabliele", "conectadoel", "fechadeconexion",
            "conectadoem", "dataconexao", "collegatoil", "datacollegamento", "verbondenop", "connectieop",
        ),
    },
    keys=(("first_name", "last_name", "name"), ("connected_on", "email_address", "url")),
)  # fmt: skip

MESSAGES = Kind(
    name="messages",
    files=frozenset({"messages"}),
    columns={
        "conversation": ("conversationid",),
        "from": ("from",),
        "sender_url": ("senderprofileurl",),
        "to": ("to",),
        "recipient_urls": ("recipientprofileurls", "recipientprofileurl"),
        "date": ("date",),
        "subject": ("subject",),
        "content": ("content",),
        "folder": ("folder",),
        "is_draft": ("ismessagedraft",),
        "is_conversation_draft": ("isconversationdraft",),
    },
    keys=(("from", "sender_url"), ("date",), ("content",)),
)

INVITATIONS = Kind(
    name="invitations",
    files=frozenset({"invitations"}),
    columns={
        "from": ("from",),
        "to": ("to",),
        "sent_at": ("sentat",),
        "message": ("message",),
        "direction": ("direction",),
        "inviter_url": ("inviterprofileurl",),
        "invitee_url": ("inviteeprofileurl",),
    },
    keys=(("from", "inviter_url"), ("to", "invitee_url"), ("sent_at",), ("direction",)),
)

_RECOMMENDATION_COLUMNS = {
    "first_name": ("firstname",),
    "last_name": ("lastname",),
    "name": ("fullname", "name"),
    "company": ("company",),
    "job_title": ("jobtitle", "title"),
    "text": ("text",),
    "creation_date": ("creationdate", "createdon"),
    "status": ("status",),
}
_RECOMMENDATION_KEYS = (("first_name", "last_name", "name"), ("text",), ("creation_date",))

RECOMMENDATIONS_RECEIVED = Kind(
    name="recommendations received",
    files=frozenset({"recommendationsreceived", "recommendationreceived"}),
    columns=_RECOMMENDATION_COLUMNS,
    keys=_RECOMMENDATION_KEYS,
)
RECOMMENDATIONS_GIVEN = Kind(
    name="recommendations given",
    files=frozenset({"recommendationsgiven", "recommendationgiven"}),
    columns=_RECOMMENDATION_COLUMNS,
    keys=_RECOMMENDATION_KEYS,
)


def _endorsements(way: str, who: str) -> Kind:
    return Kind(
        name=f"endorsements {way}",
        files=frozenset({
            f"endorsement{way}info", f"endorsements{way}info", f"endorsements{way}", f"endorsement{way}",
        }),
        columns={
            "endorsement_date": ("endorsementdate",),
            "skill_name": ("skillname", "skill"),
            f"{who}_first_name": (f"{who}firstname",),
            f"{who}_last_name": (f"{who}lastname",),
            f"{who}_url": (f"{who}publicurl", f"{who}profileurl", f"{who}url"),
        },
        keys=(
            ("endorsement_date",),
            ("skill_name",),
            (f"{who}_first_name", f"{who}_last_name", f"{who}_url"),
        ),
    )  # fmt: skip


ENDORSEMENTS_RECEIVED = _endorsements("received", "endorser")
ENDORSEMENTS_GIVEN = _endorsements("given", "endorsee")

POSITIONS = Kind(
    name="positions",
    files=frozenset({"positions"}),
    columns={
        "company_name": ("companyname", "company"),
        "title": ("title",),
        "started_on": ("startedon", "startdate"),
        "finished_on": ("finishedon", "enddate"),
    },
    keys=(("company_name",), ("started_on",)),
)

PROFILE = Kind(
    name="profile",
    files=frozenset({"profile"}),
    columns={
        "first_name": ("firstname",),
        "last_name": ("lastname",),
        "headline": ("headline",),
        "summary": ("summary",),
        "industry": ("industry",),
    },
    keys=(("first_name", "last_name"), ("headline", "summary", "industry")),
)

EMAIL_ADDRESSES = Kind(
    name="e-mail addresses",
    files=frozenset({"emailaddresses"}),
    columns={
        "email_address": ("emailaddress",),
        "confirmed": ("confirmed",),
        "primary": ("primary",),
    },
    keys=(("email_address",), ("confirmed", "primary")),
)

IMPORTED_CONTACTS = Kind(
    name="imported contacts",
    files=frozenset({"contacts", "importedcontacts"}),
    columns={
        "first_name": ("firstname",),
        "last_name": ("lastname",),
        "full_name": ("fullname", "name"),
        "companies": ("companies", "company"),
        "title": ("title", "jobtitle"),
        "emails": ("emails", "email", "emailaddress"),
        "phone_numbers": ("phonenumbers", "phonenumber", "phones"),
        "profiles": ("profiles",),
        "source": ("source",),
        "created_at": ("createdat",),
    },
    keys=(("first_name", "last_name", "full_name", "emails"), ("emails", "phone_numbers")),
)

NOTES = Kind(
    name="notes",
    files=frozenset({"notes"}),
    columns={
        "first_name": ("connectionfirstname",),
        "last_name": ("connectionlastname",),
        "url": ("connectionprofileurl",),
        "note": ("note",),
        "created_on": ("createdon",),
        "edited_on": ("editedon",),
    },
    keys=(("first_name", "last_name", "url"), ("note",), ("created_on", "edited_on")),
)

ALL = (
    CONNECTIONS,
    PROFILE,
    EMAIL_ADDRESSES,
    POSITIONS,
    MESSAGES,
    INVITATIONS,
    RECOMMENDATIONS_RECEIVED,
    RECOMMENDATIONS_GIVEN,
    ENDORSEMENTS_RECEIVED,
    ENDORSEMENTS_GIVEN,
    NOTES,
    IMPORTED_CONTACTS,
)
"""In the order they are read."""

BY_HEADER = (
    MESSAGES,
    INVITATIONS,
    ENDORSEMENTS_RECEIVED,
    ENDORSEMENTS_GIVEN,
    NOTES,
    RECOMMENDATIONS_RECEIVED,
    EMAIL_ADDRESSES,
    POSITIONS,
    PROFILE,
    CONNECTIONS,
)
"""In the order in which a single file's header is tried: the more peculiar first.

Imported contacts are known by their file's name alone: any address book looks like them. Recommendations given and
received have one header; the name must tell them apart.
"""
