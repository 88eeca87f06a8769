"""What columns are called, in the languages and spellings of exchanges, vendors and programs.

Words are compared in a plain form (:func:`plain`): lower case, without accents, brackets and marks.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["ADJUSTED", "NEVER", "SPELLINGS", "TIME_WORDS", "bare", "meaning", "plain"]

_LETTERS = str.maketrans({"ł": "l", "ı": "i", "đ": "d", "ß": "ss", "ø": "o", "æ": "ae", "œ": "oe"})


def plain(label: str) -> str:
    """``<OPEN>`` -> ``open``; ``openPrice`` -> ``open price``; ``Bid始値`` -> ``bid 始値``; ``Plus haut`` and
    ``Höchst`` lose their accents."""
    label = re.sub(r"^\d+\. ?(?=[A-Za-z])", "", label)
    said = re.sub(r"^(\w+) (?=\1 \w+ \w+).*", r"\1", label)  # a name, and what it means behind it
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z])(?=[\u3040-\u9fff])", " ", said)
    parts = unicodedata.normalize("NFKD", spaced.casefold().translate(_LETTERS))
    folded = unicodedata.normalize("NFC", "".join(each for each in parts if not unicodedata.combining(each)))
    return " ".join(re.sub(r"[\W_]+", " ", folded).split())


def bare(label: str) -> str:
    """The plain form without a unit in brackets or behind a comma: ``Close (USD)`` -> ``close``."""
    cut = re.sub(r"\s*[(\[{][^)\]}]*[)\]}]\s*$|,\s*\S+$", "", label.strip())
    return plain(cut) or plain(label)


def _plain(words: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(plain(each) for each in words.split(",")))


# The likeliest first: a column that is named so is taken before one that is named by a later word.
SPELLINGS: dict[str, tuple[str, ...]] = {
    "open": _plain(
        "open,o,open price,open index val,price open,opening,opening price,px open,first,1 open,first trade price,trade open,"
        "first price,start price,mid open,openp,op,"
        "eröffnung,eröffn,eröffnungskurs,erster,eröffnungspreis,ouverture,ouv,premier,prix d'ouverture,apertura,primero,inicio,"
        "precio de apertura,abertura,preço de abertura,prezzo di apertura,openingskoers,otwarcie,kurs otwarcia,"
        "açılış,açılış fiyatı,открытие,откр,цена открытия,mở cửa,giá mở cửa,mở,开盘,开盘价,今开,開盤,開盤價,始値,시가,opening price,openprc,opnprc,tdd opnprc,bid open,öppning,öppningskurs,öppen,åbning,åbningskurs,"
        "åpning,åpningskurs,avauskurssi,avaus,otevírací,otevření,otvírací,nyitó,nyitóár,άνοιγμα,відкриття,ціна відкриття,"
        "deschidere,отваряне,pembukaan,buka,เปิด,ราคาเปิด,الافتتاح,افتتاح,سعر الافتتاح,פתיחה,שער פתיחה,openingskurs,開市,開市價,开市,开市价,开盘指数,開盤指數,فتح,سعر الفتح,ओपन,खुला,eroeffnung,eroeffn,eroeffnungskurs,open prc,prcod,"
        "otevírací kurz,otevírací kurs,nyitó ár,kurs otw,openprice,opening rate,åben,відкр,anfang,öffnen,abrir,aperto,opn pric,今开盘,今開盤,prva,otvaranje,atidarymo,avamine,avahind,اولین,obertura,odprtje,开,開"
    ),
    "high": _plain(
        "high,h,high price,hiprc,trade high price,high index val,price high,highest,max,px high,2 high,high trade price,trade high,highest price,max price,"
        "day high,maximum,mid high,highp,hi,"
        "hoch,höchst,höchstkurs,tageshoch,höchster,haut,plus haut,+ haut,cours le plus haut,máximo,máx,alto,máxima,"
        "massimo,hoogste,hoog,najwyższy,maksimum,maks,kurs maksymalny,yüksek,en yüksek,макс,максимум,максимальная,"
        "максимальная цена,cao,cao nhất,giá cao nhất,最高,最高价,最高價,高,高値,고가,askhi,högsta,högst,høj,højeste,høy,høyeste,ylin,nejvyšší,hgprc,tdd hgprc,legmagasabb,υψηλό,υψηλότερο,"
        "максимальна,найвища,maximul,най висока,tertinggi,สูงสุด,ราคาสูงสุด,الأعلى,أعلى,اعلى,أعلى سعر,גבוה,שער גבוה,مرتفع,korkein,สูง,उच्च,kurs max,kurs maks,max kurz,max kurs,max ár,högstakurs,högsta kurs,højeste kurs,最高指數,"
        "最高指数,prchd,hoechst,hoechstkurs,najvyššia,highprice,max price,tinggi,élevé,maxim,hgh pric,najviša,najviši,aukščiausia,kõrgeim,بیشترین,màxim,цена макс,trading high,day high price"
    ),
    "low": _plain(
        "low,l,low price,loprc,trade low price,low index val,price low,lowest,min,px low,3 low,low trade price,trade low,lowest price,min price,"
        "day low,minimum,mid low,lowp,lo,"
        "tief,tiefst,tiefstkurs,tagestief,tiefster,niedrigst,bas,plus bas,+ bas,cours le plus bas,mínimo,mín,bajo,mínima,"
        "minimo,basso,laagste,laag,najniższy,minimum,kurs minimalny,düşük,en düşük,мин,минимум,минимальная,"
        "минимальная цена,thấp,thấp nhất,giá thấp nhất,最低,最低价,最低價,低,安値,저가,bidlo,lägsta,lägst,lav,laveste,alin,nejnižší,lwprc,tdd lwprc,legalacsonyabb,χαμηλό,χαμηλότερο,мінімум,"
        "мінімальна,найнижча,minimul,най ниска,terendah,ต่ำสุด,ราคาต่ำสุด,الأدنى,أدنى,ادنى,أدنى سعر,منخفض,ต่ำ,निम्न,kurs min,min kurz,min kurs,min ár,lägstakurs,lägsta kurs,laveste kurs,最低指數,最低指数,prcld,lowprice,נמוך,שער נמוך,najnižšia,rendah,baixo,minim,lw pric,najniža,najniži,žemiausia,madalaim,کمترین,mínim,цена мин,мін,trading low,day low price"
    ),
    "close": _plain(
        "close,c,close price,close index val,price close,closing,closing price,close last,trade close,last trade price,4 close,"
        "px close,mid close,closep,cl,last,px last,last price,price last,end price,settle,settlement,settlement price,"
        "schluss,schlusskurs,schlußkurs,zuletzt,letzter,clôture,fermeture,dernier,prix de clôture,cierre,precio de cierre,"
        "último,última,fechamento,fecho,chiusura,prezzo di chiusura,ultimo,slot,slotkoers,laatste,zamknięcie,"
        "kurs zamknięcia,ostatnio,ostatni,kapanış,kapanış fiyatı,şimdi,son,son fiyat,закрытие,закр,цена закрытия,"
        "последняя,посл,đóng cửa,giá đóng cửa,lần cuối,收盘,收盘价,收市,收盤,收盤價,最新价,終値,종가,"
        "prc,clot,clsprc,tdd clsprc,stängning,stängningskurs,slutkurs,senast,luk,lukkekurs,slutt,sluttkurs,siste,päätöskurssi,závěrečná,uzavírací,"
        "zavření,záró,záróár,utolsó,κλείσιμο,закриття,ціна закриття,închidere,затваряне,penutupan,terakhir,ปิด,ราคาปิด,"
        "ล่าสุด,الإغلاق,إغلاق,سعر الإغلاق,الاغلاق,סגירה,שער סגירה,שער נעילה,closing rate,trade price,deal price,"
        "closeprice,lastprice,latest,latest price,share price,stock price,trdprc,prccd,letzter preis,letzter kurs,závěrečný kurz,závěrečný kurs,záró ár,"
        "收市價,收市价,收盤指數,收盘指数,الأخير,viimeisin,मूल्य,बंद,τιμή,"
        "seneste,last px,cerrar,cls pric,今收盘,今收盤,zadnja,zatvaranje,zaključni,uždarymo,sulgemine,sulgemishind,päätös,پایانی,آخرین,tancament,"
        "závěrečný,závěrečná,záverečný kurz,záverečný,záverečná,"
        "price,kurs,preis,harga,ціна,cours,prix,precio,preço,prezzo,koers,cena,fiyat,цена,giá,价格,現在値,현재가,שער"
    ),
    "volume": _plain(
        "volume,vol,v,real volume,volume from,volumefrom,volume base,base volume,trade volume,total volume,5 volume,6 volume,shares traded,"
        "px volume,qty,quantity,amount traded,vols,totaltradedquantity,traded quantity,total traded quantity,no of shares,"
        "volumen,umsatz,stück,stücke,titres,quantità,volumi,wolumen,wol,obroty,hacim,hac,объем,объём,об,"
        "khối lượng,kl,khối lượng gd,成交量,交易量,出来高,거래량,成交股數,成交股数,成交數量,volym,omsættning,volum,omsetning,vaihto,objem,forgalom,mennyiség,"
        "όγκος,обсяг,обем,volum tranzactionat,ปริมาณ,ปริมาณการซื้อขาย,الحجم,حجم,حجم التداول,מחזור,נפח,candle acc trade volume,"
        "total traded qty,tot traded qty,dnshrtrd,ttl trd qnty,deliverable volume,acc trdvol,"
        "totalvolume,tradedvolume,tickqty,tick qty,quantidade,cantidad,number of shares,shares,number of securities,nombre de titres,titres échangés,acvol uns,acvol,"
        "cshtrd,volume traded,traded volume,umsatz stück,stuecke,umsatz stuecke,objem ks,forgalom db,tot vol,antal,όγκ,वॉल्यूम,"
        "khối lượng khớp lệnh,no of contracts,contracts,"
        "kl khớp lệnh,об єм,обєм,količina,apyvarta,maht,حجم معاملات,tottrdqty,ttl tradg vol,объем торгов,объём торгов,trading volume,volume traded,ปริมาณซื้อขาย,总手,總手,"
        "umsatz st,matched volume,q títs,volum,"
        "tick volume,tickvol,tick vol,tickvolume,ticks"
    ),
}

TIME_WORDS = frozenset(
    _plain(
        "time,date,clock,trddt,datetime,date time,timestamp,open time,opentime,time open,start,start date,start time,time period start,"
        "period start,gmt time,time utc,date utc,utc,utc time,local time,local date,dtyyyymmdd,yyyymmdd,day,bar time,"
        "candle time,begin,ts,t,unix,unix timestamp,unix time,epoch,timestamp ms,time ms,open timestamp,date gmt,"
        "time gmt,est time,time est,trade date,trading date,hhmmss,hhmm,hour,index,trade time,dates,tarih,saat,time bar start,"
        "exchange date,date of trade,bar start,bar start time,window start,session date,as of,asof,data,datum,zeit,"
        "uhrzeit,heure,fecha,hora,ora,dzień,godzina,czas,data obrotu,tijd,дата,время,ngày,giờ,thời gian,日期,时间,時間,"
        "dato,päivä,päivämäärä,dátum,ημερομηνία,час,tanggal,วันที่,วัน,เวลา,التاريخ,تاريخ,الوقت,תאריך,שעה,datenum,ts event,"
        "candle date time utc,open time utc,time open utc,begin time,ts init,data godz,periodo,período,période,"
        "час,तारीख,時刻,時間帶,время,dag,klockan,klo,aika,tid,ώρα,רגע,זמן,calendar date,pricing date,valuation date,"
        "bar date,交易日期,交易日,日付,日時,날짜,시간,일자,일시,index level 0,date and time,minute,snapshot time,snapshot time utc,trd dd,started at,close time,end time,start timestamp,"
        "дата торгов,время торгов,データ日付,tarikh,hour ending,hour beginning,he,from,von,de,desde,da,od,datums,data i godzina,تاریخ,kuupäev,"
        "trade dt,trad dt,date1"
    )
)
ADJUSTED = re.compile(
    r"\b(adj|adjusted|adjclose|adjopen|adjhigh|adjlow|ber|bereinigt\w*|ajust\w*|aggiustat\w*|rettificat\w*|скорр\w*)\b"
    r"|复权|調整|수정"
)
# An end or another price: never taken for what its last word says.
NEVER = re.compile(
    ADJUSTED.pattern
    + r"|\b(change|chg|prev|previous|prior|close time|closetime|end|bid|ask|ratio|variation|var|"
    r"veranderung|изм|fark|zmiana|unadjusted|kst|candle acc trade price)\b|前收|전일"
)


def meaning(words: str) -> str:
    """The role that a plain name is a word for, or ``time``, or nothing."""
    for role, spellings in SPELLINGS.items():
        if words in spellings:
            return role
    return "time" if words in TIME_WORDS else ""
