"""The demo company: 上海晨露母婴用品有限公司, an online shop for mothers and children that closes in 2026.

Its data are what such a firm has: a shop database, an Excel list that somebody keeps on the side, exports in two
encodings, an event log, a chat export. They hold what makes such data hard: order numbers that look like phones,
serials that look like ID numbers, IDs in remarks, children, foreigners, the same person under two phones, rows on
both sides of every retention date. ``truth.json`` says what is where; it stays beside the data, never in reports.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import sqlite3
from pathlib import Path
from typing import Any

from workbench.demo.people import Human, Maker

TODAY = dt.date(2026, 11, 23)
SERVICE_END = dt.date(2026, 8, 31)
FOUNDED = dt.date(2014, 3, 1)

SCHEMA = """
CREATE TABLE customers (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, gender TEXT, id_card TEXT UNIQUE, passport TEXT, phone TEXT NOT NULL,
  email TEXT, birthday DATE, ethnicity TEXT, wechat TEXT, qq TEXT, member_level TEXT, remark TEXT,
  created_at DATETIME NOT NULL);
CREATE TABLE addresses (
  id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers(id), receiver TEXT NOT NULL,
  phone TEXT NOT NULL, province TEXT, city TEXT, detail TEXT NOT NULL, is_default INTEGER NOT NULL);
CREATE INDEX ix_addresses_customer ON addresses(customer_id);
CREATE TABLE products (id INTEGER PRIMARY KEY, sku TEXT UNIQUE NOT NULL, title TEXT NOT NULL, price NUMERIC NOT NULL);
CREATE TABLE orders (
  id INTEGER PRIMARY KEY, order_no TEXT UNIQUE NOT NULL, customer_id INTEGER NOT NULL REFERENCES customers(id),
  serial_no TEXT NOT NULL, status TEXT NOT NULL, amount NUMERIC NOT NULL, ordered_at DATETIME NOT NULL,
  completed_at DATETIME, note TEXT);
CREATE INDEX ix_orders_customer ON orders(customer_id);
CREATE TABLE order_items (
  id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders(id),
  product_id INTEGER NOT NULL REFERENCES products(id), quantity INTEGER NOT NULL, price NUMERIC NOT NULL);
CREATE INDEX ix_items_order ON order_items(order_id);
CREATE INDEX ix_items_product ON order_items(product_id);
CREATE TABLE payments (
  id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES orders(id), voucher_no TEXT UNIQUE NOT NULL,
  payer TEXT NOT NULL, method TEXT NOT NULL, card_no TEXT, amount NUMERIC NOT NULL, paid_at DATETIME NOT NULL);
CREATE INDEX ix_payments_order ON payments(order_id);
-- no index on tickets.customer_id: every real shop has one of these
CREATE TABLE tickets (
  id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers(id), channel TEXT, content TEXT,
  opened_at DATETIME NOT NULL);
CREATE TABLE staff (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, id_card TEXT NOT NULL, phone TEXT NOT NULL,
  manager_id INTEGER REFERENCES staff(id), title TEXT, hired_on DATE NOT NULL, left_on DATE);
CREATE INDEX ix_staff_manager ON staff(manager_id);
"""
PRODUCTS = ("婴儿奶瓶", "纸尿裤L码", "儿童牙刷", "辅食碗", "安抚奶嘴", "学步鞋", "婴儿推车", "儿童安全座椅", "孕妇枕",
            "湿巾80抽", "防溢乳垫", "磨牙棒", "睡袋", "爬行垫", "温奶器")
SAID = ("请问奶瓶有货吗", "什么时候发货", "包装破损,要求换货", "尺码不合适想退货", "优惠券不能用", "发票抬头写错了",
        "谢谢,宝宝很喜欢", "快递三天没动了", "能改一下收货地址吗", "会员积分怎么没了")
T = "%Y-%m-%d %H:%M:%S"

COLUMNS: dict[str, list[str]] = {
    "shop.customers.name": ["person_name"], "shop.customers.gender": ["gender"],
    "shop.customers.id_card": ["cn_resident_id"], "shop.customers.passport": ["passport"],
    "shop.customers.phone": ["cn_mobile"], "shop.customers.email": ["email"],
    "shop.customers.birthday": ["birth_date"], "shop.customers.ethnicity": ["ethnicity"],
    "shop.customers.wechat": ["wechat"], "shop.customers.qq": ["qq"],
    "shop.customers.remark": ["cn_resident_id", "cn_mobile"],
    "shop.addresses.receiver": ["person_name"], "shop.addresses.phone": ["cn_mobile"],
    "shop.addresses.detail": ["address"], "shop.orders.note": ["cn_mobile"],
    "shop.payments.payer": ["person_name"], "shop.payments.card_no": ["bank_card"],
    "shop.tickets.content": ["cn_mobile", "cn_resident_id"],
    "shop.staff.name": ["person_name"], "shop.staff.id_card": ["cn_resident_id"], "shop.staff.phone": ["cn_mobile"],
    "office.会员名单.xlsx#会员.姓名": ["person_name"], "office.会员名单.xlsx#会员.手机": ["cn_mobile"],
    "office.会员名单.xlsx#会员.身份证号": ["cn_resident_id"], "office.会员名单.xlsx#会员.家庭住址": ["address"],
    "office.会员名单.xlsx#宝宝档案.宝宝姓名": ["person_name"], "office.会员名单.xlsx#宝宝档案.出生日期": ["birth_date"],
    "office.会员名单.xlsx#宝宝档案.宝宝身份证": ["cn_resident_id"],
    "office.会员名单.xlsx#宝宝档案.家长手机": ["cn_mobile"],
    "office.会员名单.xlsx#宝宝档案.过敏史": ["health"],
    "office.会员名单.xlsx#投诉.姓名": ["person_name"], "office.会员名单.xlsx#投诉.电话": ["cn_mobile"],
    "office.newsletter_utf8.csv.email": ["email"], "office.newsletter_utf8.csv.full_name": ["person_name"],
    "office.newsletter_utf8.csv.mobile": ["cn_mobile"], "office.newsletter_utf8.csv.ip": ["ipv4"],
    "office.发货记录_gbk.csv.收件人": ["person_name"], "office.发货记录_gbk.csv.联系电话": ["cn_mobile"],
    "office.发货记录_gbk.csv.收货地址": ["address"], "office.发货记录_gbk.csv.备注": ["cn_resident_id"],
    "office.events.parquet.ip": ["ipv4"], "office.events.parquet.device": ["imei"],
    "office.events.parquet.lat": ["location"], "office.events.parquet.lon": ["location"],
    "office.客服聊天.txt.text": ["cn_mobile", "cn_resident_id", "email"],
}
"""column -> detectors that must be found there; every other column holds nothing that a detector must find"""


def build(folder: Path, customers: int = 20_000, seed: int = 20261123) -> dict[str, Any]:
    """Write the company's data into ``folder`` and its truth into ``folder/truth.json``; returns the truth.

    ``customers`` at least 200; every other size follows. Same arguments, same data.
    """
    folder.mkdir(parents=True, exist_ok=True)
    office = folder / "office"
    office.mkdir(exist_ok=True)
    make = Maker(seed, TODAY)
    people = [make.human(i + 1, minor=i % 97 == 5, foreign=i % 61 == 7) for i in range(max(customers, 200))]
    counts = {"shop": _shop(folder / "shop.sqlite", make, people)}
    counts["office"] = {
        **_excel(office / "会员名单.xlsx", make, people), **_newsletter(office / "newsletter_utf8.csv", make, people),
        **_shipments(office / "发货记录_gbk.csv", make, people), **_events(office / "events.parquet", make, people),
        **_chat(office / "客服聊天.txt", make, people),
    }
    marked = people[:: max(1, len(people) // 200)]
    truth: dict[str, Any] = {
        "today": TODAY.isoformat(), "seed": seed, "customers": len(people), "columns": COLUMNS, "rows": counts,
        "minors": sum(1 for p in people if _age(p) < 14),
        "canaries": sorted({v for p in marked for v in (p.id_card, p.phone, p.email, p.card, p.passport, p.address,
                                                        p.wechat) if v}),
    }
    (folder / "truth.json").write_text(json.dumps(truth, ensure_ascii=False, indent=1), encoding="utf-8")
    return truth


def _age(p: Human) -> int:
    return TODAY.year - p.birthday.year - ((TODAY.month, TODAY.day) < (p.birthday.month, p.birthday.day))


def _shop(path: Path, make: Maker, people: list[Human]) -> dict[str, int]:
    path.unlink(missing_ok=True)
    r = make.random
    db = sqlite3.connect(path)
    db.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA foreign_keys=OFF;" + SCHEMA)
    levels = ("普通", "银卡", "金卡", "黑金")
    rows: list[tuple[Any, ...]] = []
    for p in people:
        remark = None
        if p.number % 211 == 0:
            remark = f"本人来电,身份证{p.id_card or p.passport},请优先处理"
        elif p.number % 173 == 0:
            remark = f"备用联系方式 {make.phone()[:3]}-{p.phone[3:7]}-{p.phone[7:]}"
        elif p.number % 9 == 0:
            remark = r.choice(("老客户", "需要开票", "周末送货", "母亲节活动引流"))
        rows.append((p.number, p.name, p.gender, p.id_card or None, p.passport or None, p.phone, p.email,
                     p.birthday.isoformat(), p.ethnicity or None, p.wechat, p.qq, r.choice(levels), remark,
                     p.joined.strftime(T)))
    _insert(db, "customers", rows)
    rows = []
    for p in people:
        for k in range(1 if r.random() < 0.8 else 2):
            rows.append((len(rows) + 1, p.number, p.name, p.phone, p.area[0], p.area[1], p.address, int(k == 0)))
    _insert(db, "addresses", rows)
    counts = {"customers": len(people), "addresses": len(rows), "products": len(PRODUCTS)}
    _insert(db, "products", [(i + 1, f"SKU{i + 1:05d}", t, 19.9 + 10 * i) for i, t in enumerate(PRODUCTS)])
    orders: list[tuple[Any, ...]] = []
    items: list[tuple[Any, ...]] = []
    payments: list[tuple[Any, ...]] = []
    for p in people:
        for _ in range(r.choice((0, 1, 1, 2, 3, 4))):
            n = len(orders) + 1
            at = make.when(max(FOUNDED, p.joined.date()), SERVICE_END)
            amount = 0.0
            for _ in range(r.choice((1, 1, 2))):
                k = r.randrange(len(PRODUCTS))
                quantity = r.randrange(1, 4)
                items.append((len(items) + 1, n, k + 1, quantity, 19.9 + 10 * k))
                amount = round(amount + quantity * (19.9 + 10 * k), 2)
            status = r.choices(("已完成", "已退货", "已取消"), (90, 6, 4))[0]
            done = at + dt.timedelta(days=r.randrange(2, 12)) if status == "已完成" else None
            note = f"送货前请打{p.phone}" if n % 401 == 0 else None
            # 11 digits that begin like a mobile number and are none: the shop's own numbering
            orders.append((n, f"1{3 + n % 7}{n * 7919 % 10**9:09d}", p.number, make.near_miss(), status, amount,
                           at.strftime(T), done.strftime(T) if done else None, note))
            if status != "已取消":
                method = r.choice(("银联卡", "微信", "支付宝"))
                payments.append((len(payments) + 1, n, f"记-{at:%Y%m}-{len(payments) + 1:06d}", p.name, method,
                                 p.card if method == "银联卡" else None, amount, at.strftime(T)))
    for k in range(40):  # vouchers taken over from the predecessor, a counter in a department store
        at = make.when(dt.date(1993, 1, 4), dt.date(1997, 12, 20))
        payments.append((len(payments) + 1, None, f"旧-{at:%Y%m}-{k:04d}", make.chinese_name(), "现金", None,
                         float(r.randrange(5, 300)), at.strftime(T)))
    for table, got in (("orders", orders), ("order_items", items), ("payments", payments)):
        _insert(db, table, got)
        counts[table] = len(got)
    rows = []
    for p in people[::3]:
        n = len(rows) + 1
        text = r.choice(SAID)
        if n % 97 == 0:
            text += f",我的新号码是{make.phone()}"
        if n % 389 == 0 and p.id_card:
            text += f",实名 {p.id_card}"
        rows.append((n, p.number, r.choice(("电话", "微信", "网页")), text,
                     make.when(max(FOUNDED, p.joined.date()), SERVICE_END).strftime(T)))
    _insert(db, "tickets", rows)
    counts["tickets"] = len(rows)
    rows = []
    for i in range(36):
        s = make.human(10_000_000 + i)
        hired = make.when(FOUNDED, dt.date(2022, 1, 1)).date()
        left = None if i < 4 else hired + dt.timedelta(days=r.randrange(200, 1600))
        rows.append((i + 1, s.name, s.id_card, s.phone, None if i == 0 else 1 + (i - 1) // 4,
                     "总经理" if i == 0 else r.choice(("客服", "仓管", "运营", "财务")), hired.isoformat(),
                     min(left, SERVICE_END).isoformat() if left else None))
    _insert(db, "staff", rows)
    counts["staff"] = len(rows)
    db.commit()
    db.close()
    return counts


def _insert(db: sqlite3.Connection, table: str, rows: list[tuple[Any, ...]]) -> None:
    if rows:
        db.executemany(f"INSERT INTO {table} VALUES ({','.join('?' * len(rows[0]))})", rows)  # noqa: S608 - our names


def _excel(path: Path, make: Maker, people: list[Human]) -> dict[str, int]:
    from openpyxl import Workbook

    r = make.random
    book = Workbook(write_only=True)
    book.properties.created = book.properties.modified = dt.datetime(2026, 8, 1)
    members = book.create_sheet("会员")
    members.append(["会员号", "姓名", "手机", "身份证号", "家庭住址", "积分", "入会日期"])
    chosen = people[:: max(1, len(people) // 2000)]
    for p in chosen:
        phone = r.choice((p.phone, f"+86 {p.phone[:3]} {p.phone[3:7]} {p.phone[7:]}",
                          f"{p.phone[:3]}-{p.phone[3:7]}-{p.phone[7:]}"))
        members.append([f"M{p.number:06d}", p.name, phone, p.id_card, p.address, r.randrange(9000), p.joined.date()])
    babies = book.create_sheet("宝宝档案")
    babies.append(["宝宝姓名", "出生日期", "宝宝身份证", "家长手机", "过敏史"])
    parents = chosen[::6]
    for p in parents:
        baby = make.human(0, minor=True)
        babies.append([p.name[0] + baby.name[-1], baby.birthday, baby.id_card, p.phone,
                       r.choice(("无", "牛奶蛋白过敏", "花生过敏", "湿疹", "青霉素过敏"))])
    complaints = book.create_sheet("投诉")
    complaints.append(["日期", "姓名", "电话", "内容"])
    angry = people[3 :: max(1, len(people) // 300)]
    for p in angry:
        complaints.append([make.when(FOUNDED, SERVICE_END).date(), p.name, p.phone, r.choice(SAID)])
    book.create_sheet("说明").append(["本表由客服部维护", "请勿外传"])
    book.save(path)
    name = path.name
    return {f"{name}#会员": len(chosen), f"{name}#宝宝档案": len(parents), f"{name}#投诉": len(angry)}


def _newsletter(path: Path, make: Maker, people: list[Human]) -> dict[str, int]:
    chosen = people[1::4]
    with path.open("w", encoding="utf-8", newline="") as f:
        out = csv.writer(f)
        out.writerow(["email", "full_name", "mobile", "ip", "subscribed_at", "campaign"])
        for p in chosen:
            ip = ".".join(str(make.random.randrange(1, 254)) for _ in range(4))
            out.writerow([p.email, p.name, f"0086{p.phone}", ip, p.joined.isoformat(), make.random.choice("ABC")])
    return {path.name: len(chosen)}


def _shipments(path: Path, make: Maker, people: list[Human]) -> dict[str, int]:
    chosen = people[2::3]
    with path.open("w", encoding="gb18030", newline="") as f:
        out = csv.writer(f)
        out.writerow(["运单号", "收件人", "联系电话", "收货地址", "发货日期", "备注"])
        for i, p in enumerate(chosen):
            note = f"清关需要身份证{p.id_card}" if i % 301 == 7 and p.id_card else ""
            out.writerow([f"SF{make.random.randrange(10**12):012d}", p.name, p.phone, p.address,
                          make.when(FOUNDED, SERVICE_END).strftime("%Y/%m/%d"), note])
    return {path.name: len(chosen)}


def _events(path: Path, make: Maker, people: list[Human]) -> dict[str, int]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from workbench.demo.people import luhn

    r = make.random
    n = len(people) * 3
    devices = {}
    for p in people:
        body = make.fresh("86", length=14)
        devices[p.number] = (body + luhn(body), round(30.5 + r.random(), 6), round(120.5 + r.random(), 6))
    chosen = [r.choice(people) for _ in range(n)]
    first = dt.datetime(2026, 1, 1)
    span = int((dt.datetime(2026, 9, 1) - first).total_seconds())
    times = sorted(first + dt.timedelta(seconds=r.randrange(span)) for _ in range(n))
    table = pa.table({
        "event_id": pa.array(range(1, n + 1), pa.int64()),
        "customer_id": pa.array([p.number for p in chosen], pa.int64()),
        "event": pa.array([r.choice(("view", "click", "login", "cart")) for _ in range(n)]).dictionary_encode(),
        "ip": [".".join(str(r.randrange(1, 254)) for _ in range(4)) for _ in range(n)],
        "device": [devices[p.number][0] for p in chosen],
        "lat": [devices[p.number][1] + r.randrange(-50, 50) / 1e4 for p in chosen],
        "lon": [devices[p.number][2] + r.randrange(-50, 50) / 1e4 for p in chosen],
        "at": pa.array(times, pa.timestamp("ms")),
    })
    pq.write_table(table, path, compression="zstd", row_group_size=32_768)
    return {path.name: n}


def _chat(path: Path, make: Maker, people: list[Human]) -> dict[str, int]:
    r = make.random
    lines = []
    for i, p in enumerate(people[5 :: max(1, len(people) // 800)]):
        at = make.when(dt.date(2024, 1, 1), SERVICE_END)
        lines.append(f"{at:%Y-%m-%d %H:%M:%S} 客服小露: 您好,请问有什么可以帮您?")
        said = r.choice(SAID)
        if i % 11 == 3:
            said += f",打我电话 {p.phone[:3]} {p.phone[3:7]} {p.phone[7:]}"
        if i % 53 == 9 and p.id_card:
            said += f",身份证号:{p.id_card}。"
        if i % 37 == 2:
            said += f" 邮箱{p.email},谢谢"
        lines.append(f"{at:%Y-%m-%d %H:%M:%S} 顾客{p.number}: {said}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return {path.name: len(lines)}
