"""Names of months in the languages that sites and programs export in."""

from __future__ import annotations

from lib.files.columns.words import plain

__all__ = ["month_of"]

# January to December; a short form is its first letters, unless it is listed.
_NAMES = (
    "january february march april may june july august september october november december",
    "januar februar märz april mai juni juli august september oktober november dezember",
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "januari februari maart april mei juni juli augustus september oktober november december",
    "styczeń luty marzec kwiecień maj czerwiec lipiec sierpień wrzesień październik listopad grudzień",
    "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
    "ocak şubat mart nisan mayıs haziran temmuz ağustos eylül ekim kasım aralık",
    "январь февраль март апрель май июнь июль август сентябрь октябрь ноябрь декабрь",
    "januari februari mars april maj juni juli augusti september oktober november december",
    "januar februar marts april maj juni juli august september oktober november december",
    "januar februar mars april mai juni juli august september oktober november desember",
    "leden únor březen duben květen červen červenec srpen září říjen listopad prosinec",
    "ledna února března dubna května června července srpna září října listopadu prosince",
    "január február március április május június július augusztus szeptember október november december",
    "ianuarie februarie martie aprilie mai iunie iulie august septembrie octombrie noiembrie decembrie",
    "januari februari maret april mei juni juli agustus september oktober november desember",
    "ιανουαρίου φεβρουαρίου μαρτίου απριλίου μαΐου ιουνίου ιουλίου αυγούστου σεπτεμβρίου οκτωβρίου νοεμβρίου δεκεμβρίου",
    "січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня",
    "يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر",
    "януари февруари март април май юни юли август септември октомври ноември декември",
    "ינואר פברואר מרץ אפריל מאי יוני יולי אוגוסט ספטמבר אוקטובר נובמבר דצמבר",
    "januari februari mac april mei jun julai ogos september oktober november disember",
    "jaanuar veebruar märts aprill mai juuni juuli august september oktoober november detsember",
    "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
)
_SHORT = {"mrz": 3, "mrt": 3, "juil": 7, "sept": 9}
# Not cut short: marraskuu is no March.
_FINNISH = "tammi helmi maalis huhti touko kesä heinä elo syys loka marras joulu"
_LONG = {
    plain(name + end): number for number, name in enumerate(_FINNISH.split(), 1) for end in ("kuu", "kuuta")
}
_WHOLE: dict[str, int] = {
    plain(name): number for names in _NAMES for number, name in enumerate(names.split(), 1)
} | _SHORT


def month_of(word: str) -> int:
    """1 to 12, or 0 for what is no month: ``Feb``, ``Febr``, ``février``, ``февр``."""
    wanted = plain(word)
    if (known := _WHOLE.get(wanted) or _LONG.get(wanted)) is not None:
        return known
    if len(wanted) < 3:
        return 0
    numbers = {number for name, number in _WHOLE.items() if name.startswith(wanted)}
    return numbers.pop() if len(numbers) == 1 else 0
