"""The unsubscribe pages: one small document, readable without scripts, styles or sight, in the reader's direction."""

import base64
import hashlib
from html import escape

# Per language: title, question, button, done, not found, try again. {shop} is the shop's name.
TEXTS = {
    "en": (
        "Unsubscribe",
        "Do you no longer want to get these e-mails from {shop}?",
        "Unsubscribe",
        "Done. You will get no more of these e-mails from {shop}.",
        "This link does not work.",
        "That did not work just now. Please try again in a few minutes.",
    ),
    "de": (
        "Abmelden",
        "Möchten Sie diese E-Mails von {shop} nicht mehr erhalten?",
        "Abmelden",
        "Erledigt. Sie erhalten diese E-Mails von {shop} nicht mehr.",
        "Dieser Link funktioniert nicht.",
        "Das hat gerade nicht geklappt. Bitte versuchen Sie es in einigen Minuten noch einmal.",
    ),
    "fr": (
        "Se désabonner",
        "Vous ne souhaitez plus recevoir ces e-mails de {shop} ?",
        "Se désabonner",
        "C’est fait. Vous ne recevrez plus ces e-mails de {shop}.",
        "Ce lien ne fonctionne pas.",
        "Cela n’a pas fonctionné. Veuillez réessayer dans quelques minutes.",
    ),
    "es": (
        "Cancelar la suscripción",
        "¿Ya no quiere recibir estos correos de {shop}?",
        "Cancelar la suscripción",
        "Hecho. No recibirá más correos de este tipo de {shop}.",
        "Este enlace no funciona.",
        "No ha funcionado. Inténtelo de nuevo dentro de unos minutos.",
    ),
    "it": (
        "Annulla l’iscrizione",
        "Non desidera più ricevere queste e-mail da {shop}?",
        "Annulla l’iscrizione",
        "Fatto. Non riceverà più queste e-mail da {shop}.",
        "Questo link non funziona.",
        "Non ha funzionato. Riprovi tra qualche minuto.",
    ),
    "nl": (
        "Afmelden",
        "Wilt u deze e-mails van {shop} niet meer ontvangen?",
        "Afmelden",
        "Klaar. U ontvangt deze e-mails van {shop} niet meer.",
        "Deze link werkt niet.",
        "Dat lukte nu niet. Probeer het over enkele minuten opnieuw.",
    ),
    "ar": (
        "إلغاء الاشتراك",
        "هل تريد التوقف عن تلقي هذه الرسائل من {shop}؟",
        "إلغاء الاشتراك",
        "تم. لن تصلك هذه الرسائل من {shop} بعد الآن.",
        "هذا الرابط لا يعمل.",
        "لم ينجح ذلك الآن. يرجى المحاولة مرة أخرى بعد بضع دقائق.",
    ),
    "he": (
        "הסרה מרשימת התפוצה",
        "האם ברצונך להפסיק לקבל הודעות אלה מ־{shop}?",
        "הסרה",
        "בוצע. לא יישלחו אליך עוד הודעות אלה מ־{shop}.",
        "הקישור הזה אינו פועל.",
        "הפעולה לא הצליחה. אפשר לנסות שוב בעוד כמה דקות.",
    ),
}
RIGHT_TO_LEFT = frozenset({"ar", "he"})
_PLACE = {"ask": 1, "done": 3, "not_found": 4, "try_again": 5}
_STYLE = (
    "body{font:1.1rem/1.6 system-ui,sans-serif;color:#1a1a1a;background:#fff;max-width:34rem;margin:4rem auto;"
    "padding:0 1.5rem}h1{font-size:1.6rem}button{font:inherit;color:#fff;background:#1a1a1a;border:2px solid #1a1a1a;"
    "border-radius:.4rem;padding:.7rem 1.4rem;cursor:pointer}button:focus-visible{outline:3px solid #1d5bd8;"
    "outline-offset:3px}"
)
STYLE_HASH = "sha256-" + base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()


def language(asked: str | None, accepted: str | None) -> str:
    """The page's language: as asked in the address, else the first known one that the browser accepts, else English."""
    for entry in [asked or "", *(accepted or "")[:500].split(",")]:
        code = entry.partition(";")[0].strip().replace("_", "-").partition("-")[0].lower()
        if code in TEXTS:
            return code
    return "en"


def page(name: str, code: str, shop: str) -> str:
    """The document `ask`, `done`, `not_found` or `try_again`."""
    texts = TEXTS[code]
    direction = "rtl" if code in RIGHT_TO_LEFT else "ltr"
    said = escape(texts[_PLACE[name]].replace("{shop}", shop))
    form = ""
    if name in ("ask", "try_again"):
        # No action: the form answers to its own address, token and language included.
        form = (
            '<form method="post"><input type="hidden" name="confirm" value="yes">'
            f'<button type="submit">{escape(texts[2])}</button></form>'
        )
    role = ' role="status"' if name == "done" else ""
    return (
        f'<!doctype html><html lang="{code}" dir="{direction}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(texts[0])}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(texts[0])}</h1><p{role}>{said}</p>{form}</main></body></html>"
    )
