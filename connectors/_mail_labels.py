"""Gmail's labels as Takeout writes them: which are Gmail's own, in whose language, and what they mean for us.

Takeout translates the names of system labels into the account's language (observed in exports, written nowhere by
Google). A label that is not in these tables is the owner's own.
"""

from functools import lru_cache

from connectors._mail_text import decode_words

_LEFT_OUT = {
    "draft": """draft drafts entwurf entwürfe brouillon brouillons borrador borradores bozza bozze rascunho rascunhos
        concept concepten utkast kladde kladder luonnos luonnokset wersja·robocza wersje·robocze szkic 下書き scheduled
        geplant programado programados planifié planifiés pianificato programmato gepland schemalagt planlagt
        ajastettu zaplanowane 予定""",
    "spam": """spam junk correo·no·deseado indésirable courrier·indésirable posta·indesiderata ongewenst skräppost
        søppelpost nettsøppel roskaposti 迷惑メール""",
    "trash": """trash bin papierkorb gelöscht corbeille papelera cestino lixo lixeira prullenbak papperskorgen
        papirkurv papirkurven papperskorg roskakori kosz ゴミ箱""",
    "chat": """chat chats hangouts discussion conversation·chat chattar chatter keskustelu czat czaty チャット""",
}
_OWN = """inbox posteingang boîte·de·réception bandeja·de·entrada recibidos posta·in·arrivo caixa·de·entrada
    postvak·in inkorg inkorgen indbakke indbakken innboks innboksen saapuneet postilaatikko odebrane 受信トレイ
    sent sent·mail gesendet messages·envoyés envoyés enviado enviados enviada enviadas inviata inviati posta·inviata
    itens·enviados verzonden skickat skickade sendt sendte lähetetyt wysłane 送信済み 送信済みメール
    starred markiert suivis messages·suivis suivi destacados destacado speciali com·estrela met·ster stjärnmärkt
    stjärnmärkta stjernemarkeret stjernemerket tähdellä·merkitty tähdelliset oznaczone·gwiazdką スター付き
    important wichtig importants importante importantes importanti belangrijk viktigt viktig vigtig vigtige tärkeä
    tärkeät ważne 重要
    unread ungelesen non·lu non·lus no·leído no·leídos da·leggere não·lidas não·lido ongelezen oläst olästa ulæst
    ulest lukematta lukemattomat nieprzeczytane 未読
    opened geöffnet ouvert abierto abiertos aperto aperti aberto abertos geopend öppnat öppnad åbnet åpnet avattu
    otwarte 開封済み
    archived archiviert archivé archivés archivado archivados archiviato archiviati arquivado arquivados gearchiveerd
    arkiverat arkiveret arkivert arkistoitu zarchiwizowane アーカイブ済み
    all·mail alle·nachrichten tous·les·messages todos tutti·i·messaggi todos·os·e-mails alle·berichten
    snoozed zurückgestellt muted ignoriert"""
_CATEGORY = (
    "category ",
    "category_",
    "kategorie ",
    "kategorie:",
    "catégorie ",
    "catégorie :",
    "categoría ",
    "categoría:",
    "categoria ",
    "categoria:",
    "categorie ",
    "categorie:",
    "kategori ",
    "kategori:",
    "luokka ",
    "luokka:",
    "kategoria ",
    "kategoria:",
    "カテゴリ",
)


def _words(table: str) -> frozenset[str]:
    return frozenset(word.replace("·", " ") for word in table.split())


_REASONS = {word: reason for reason, table in _LEFT_OUT.items() for word in _words(table)}
_SYSTEM = _words(_OWN)


@lru_cache(maxsize=20_000)
def read_labels(header: str) -> tuple[str, tuple[str, ...]]:
    """Of an `X-Gmail-Labels` header: why the message is to be left out (or ""), and the owner's own labels."""
    reason = ""
    own: list[str] = []
    for label in _split(decode_words(header[:8000])):
        folded = label.lower()
        if folded in _REASONS:
            reason = reason or _REASONS[folded]
        elif folded not in _SYSTEM and not folded.startswith(_CATEGORY) and label not in own:
            own.append(label)
    return reason, tuple(own[:100])


def _split(text: str) -> list[str]:
    """At commas outside quotes; a label with a comma is quoted, in most exports."""
    if '"' not in text:
        return [part for part in (piece.strip() for piece in text.split(",")) if part]
    parts = [""]
    is_quoted = False
    for char in text:
        if char == '"':
            is_quoted = not is_quoted
        elif char == "," and not is_quoted:
            parts.append("")
        else:
            parts[-1] += char
    return [part.strip() for part in parts if part.strip()]
