"""Made-up people for the demo company: names, numbers and addresses that look real and belong to nobody.

Everything comes from one seeded ``random.Random``; the same seed gives the same company, byte for byte.
"""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass, field

AREAS = {
    "110105": ("北京市", "北京市", "朝阳区"), "310115": ("上海市", "上海市", "浦东新区"),
    "310104": ("上海市", "上海市", "徐汇区"), "320102": ("江苏省", "南京市", "玄武区"),
    "330106": ("浙江省", "杭州市", "西湖区"), "440305": ("广东省", "深圳市", "南山区"),
    "440106": ("广东省", "广州市", "天河区"), "510107": ("四川省", "成都市", "武侯区"),
    "420106": ("湖北省", "武汉市", "武昌区"), "610113": ("陕西省", "西安市", "雁塔区"),
    "650102": ("新疆维吾尔自治区", "乌鲁木齐市", "天山区"), "540102": ("西藏自治区", "拉萨市", "城关区"),
}
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎"
COMPOUND = ("欧阳", "司马", "上官", "诸葛")
GIVEN = ("伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华慧巧美文辉力建国峰云飞鹏宇浩然子涵欣怡梓萱"
         "雨桐博文思远嘉豪晓东志远海燕春梅冬雪玉兰")
FOREIGN = (("John", "Smith"), ("Maria", "Garcia"), ("Hans", "Müller"), ("Yuki", "Tanaka"), ("Anna", "Kowalska"),
           ("Ahmed", "Hassan"), ("Olga", "Ivanova"), ("Pierre", "Dubois"), ("Priya", "Sharma"), ("James", "O'Brien"))
ROADS = ("人民路", "中山路", "解放大道", "建设街", "和平路", "文化东路", "科技园路", "长江路", "学府街", "滨河北路")
ESTATES = ("阳光花园", "万科城", "锦绣江南", "翠湖苑", "金域蓝湾", "绿地新都会", "幸福里", "书香门第")
ETHNIC = ("汉族", "汉族", "汉族", "汉族", "汉族", "汉族", "回族", "维吾尔族", "藏族", "满族", "壮族")
MAIL = ("qq.com", "163.com", "126.com", "sina.cn", "outlook.com", "foxmail.com")
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
MOBILE = ("134", "135", "138", "139", "150", "151", "152", "158", "159", "166", "170", "176", "177", "180", "186",
          "187", "188", "189", "191", "198", "199")
PINYIN = ("wang", "li", "zhang", "liu", "chen", "yang", "zhao", "huang", "zhou", "wu", "xu", "sun", "hu", "zhu", "gao")
BINS = ("622202", "621700", "622848", "621661", "622588", "625955")


def check_digit(first17: str) -> str:
    """ISO 7064 MOD 11-2 character for the first 17 digits of a resident ID (GB 11643-1999)."""
    return "10X98765432"[sum(int(d) * w for d, w in zip(first17, WEIGHTS, strict=True)) % 11]


def luhn(digits: str) -> str:
    """Luhn check digit to append to ``digits`` (ISO/IEC 7812-1)."""
    total = 0
    for i, d in enumerate(reversed(digits)):
        n = int(d) * (2 if i % 2 == 0 else 1)
        total += n - 9 if n > 9 else n
    return str(-total % 10)


@dataclass
class Human:
    """One made-up person; ``id_card`` is empty for foreigners, who have a passport."""

    number: int
    name: str
    gender: str
    birthday: dt.date
    phone: str
    email: str
    id_card: str = ""
    passport: str = ""
    ethnicity: str = "汉族"
    area: tuple[str, str, str] = ("", "", "")
    address: str = ""
    card: str = ""
    wechat: str = ""
    qq: str = ""
    joined: dt.datetime = field(default_factory=lambda: dt.datetime(2020, 1, 1))


class Maker:
    """Makes people, no two with the same phone, mail, ID or card."""

    def __init__(self, seed: int, today: dt.date) -> None:
        self.random = random.Random(seed)  # noqa: S311 - made-up data, not keys
        self.today = today
        self._used: set[str] = set()

    def fresh(self, make: str, *, length: int) -> str:
        """``make`` followed by random digits up to ``length``, never the same twice."""
        while True:
            value = make + "".join(self.random.choices("0123456789", k=length - len(make)))
            if value not in self._used:
                self._used.add(value)
                return value

    def phone(self) -> str:
        """A mainland mobile number, 11 digits."""
        return self.fresh(self.random.choice(MOBILE), length=11)

    def id_card(self, birthday: dt.date, gender: str, area: str) -> str:
        """An 18-character resident ID with a right check digit."""
        while True:
            order = self.random.randrange(0, 500) * 2 + (1 if gender == "男" else 0)
            body = f"{area}{birthday:%Y%m%d}{order % 1000:03d}"
            value = body + check_digit(body)
            if value not in self._used:
                self._used.add(value)
                return value

    def near_miss(self) -> str:
        """18 digits shaped like a resident ID whose check digit is wrong: a serial number, not a person."""
        r = self.random
        day = dt.date(1950, 1, 1) + dt.timedelta(days=r.randrange(25_000))
        body = f"{r.choice(tuple(AREAS))}{day:%Y%m%d}{r.randrange(1000):03d}"
        right = check_digit(body)
        return body + r.choice([d for d in "0123456789" if d != right])

    def bank_card(self) -> str:
        """A 19-digit UnionPay number that passes Luhn."""
        body = self.fresh(self.random.choice(BINS), length=18)
        return body + luhn(body)

    def when(self, first: dt.date, last: dt.date) -> dt.datetime:
        """A random moment of shop hours between two days."""
        day = first + dt.timedelta(days=self.random.randrange((last - first).days + 1))
        return dt.datetime(day.year, day.month, day.day, self.random.randrange(8, 23),
                           self.random.randrange(60), self.random.randrange(60))

    def chinese_name(self) -> str:
        """Surname and one or two given characters."""
        r = self.random
        surname = r.choice(COMPOUND) if r.random() < 0.02 else r.choice(SURNAMES)
        return surname + "".join(r.choices(GIVEN, k=1 if r.random() < 0.2 else 2))

    def human(self, number: int, *, minor: bool = False, foreign: bool = False) -> Human:
        """The ``number``-th person."""
        r = self.random
        if minor:
            born = self.today - dt.timedelta(days=r.randrange(3 * 366, 14 * 365 - 40))
        else:
            born = self.today - dt.timedelta(days=r.randrange(18 * 366, 80 * 365))
        gender = r.choice("男女")
        code, area = r.choice(tuple(AREAS.items()))
        tail = "".join(r.choices("0123456789", k=4))
        first, last = r.choice(FOREIGN)
        name = f"{first} {last}" if foreign else self.chinese_name()
        user = f"{first}.{last}".lower().replace("'", "").replace("ü", "ue") if foreign else r.choice(PINYIN)
        return Human(
            number, name, gender, born, self.phone(), f"{user}{number}_{tail}@{r.choice(MAIL)}",
            id_card="" if foreign else self.id_card(born, gender, code),
            passport=self.fresh(r.choice("CLNPX") if foreign else "E", length=9) if foreign else "",
            ethnicity="" if foreign else r.choice(ETHNIC), area=area,
            address=f"{area[0] if area[0] != area[1] else ''}{area[1]}{area[2]}{r.choice(ROADS)}{r.randrange(1, 999)}号"
                    f"{r.choice(ESTATES)}{r.randrange(1, 40)}栋{r.randrange(1, 7)}单元{r.randrange(101, 3399)}室",
            card=self.bank_card(), wechat=f"wx_{user}{tail}{number}", qq=self.fresh(r.choice("123456789"), length=9),
            joined=self.when(dt.date(2014, 3, 1), self.today - dt.timedelta(days=100)),
        )
