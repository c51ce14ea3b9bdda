"""What blocks say, by language. NAME, CODE, DAY and POINTS are filled in for each reader."""

_KEYS = (
    *("hello", "hello_name", "cart", "viewed", "recommendations", "purchases"),
    *("coupon", "until", "points", "points_expire"),
)
_BY_LANGUAGE: dict[str, tuple[str, ...]] = {
    "en": (
        *("Hello,", "Hello NAME,", "Your cart", "You looked at", "You may like", "You bought"),
        *("Your code: CODE.", "It is good until DAY.", "Your points: POINTS.", "Until DAY you can use POINTS of them."),
    ),
    "de": (
        *("Hallo,", "Hallo NAME,", "Ihr Warenkorb", "Das haben Sie sich angesehen", "Das könnte Ihnen gefallen"),
        *("Das haben Sie gekauft", "Ihr Code: CODE.", "Er gilt bis DAY.", "Ihre Punkte: POINTS."),
        "Davon verfallen POINTS am DAY.",
    ),
    "fr": (
        *("Bonjour,", "Bonjour NAME,", "Votre panier", "Vous avez regardé", "Vous aimerez peut-être", "Vos achats"),
        *("Votre code : CODE.", "Il est valable jusqu’au DAY.", "Vos points : POINTS.", "POINTS expirent le DAY."),
    ),
    "es": (
        *("Hola:", "Hola, NAME:", "Su carrito", "Ha visto", "Le puede gustar", "Sus compras"),
        *("Su código: CODE.", "Es válido hasta el DAY.", "Sus puntos: POINTS.", "POINTS caducan el DAY."),
    ),
    "uk": (
        *("Вітаємо!", "Вітаємо, NAME!", "Ваш кошик", "Ви переглядали", "Вам може сподобатися", "Ваші покупки"),
        *("Ваш код: CODE.", "Діє до: DAY.", "Ваші бали: POINTS.", "З них згорають DAY: POINTS."),
    ),
    "ar": (
        *("مرحبًا،", "مرحبًا NAME،", "سلة مشترياتك", "منتجات شاهدتها", "قد يعجبك", "مشترياتك"),
        *("رمزك: CODE.", "صالح حتى DAY.", "نقاطك: POINTS.", "تنتهي صلاحية POINTS منها في DAY."),
    ),
    "he": (
        *("שלום,", "שלום NAME,", "העגלה שלך", "מוצרים שצפית בהם", "אולי יעניין אותך", "הרכישות שלך"),
        *("הקוד שלך: CODE.", "בתוקף עד DAY.", "הנקודות שלך: POINTS.", "תוקפן של POINTS מהן פג ב-DAY."),
    ),
}
WORDS: dict[str, dict[str, str]] = {
    language: dict(zip(_KEYS, words, strict=True)) for language, words in _BY_LANGUAGE.items()
}
