"""Invented names of organisations that are on no list, by country, to count false matches.

They are put together as names are in each place: a place, one or two telling words or characters,
a line of business, a legal form. The telling words are common ones, so that the names fall as
close together as real ones do, or closer.
"""

from typing import Final

import msgspec
import numpy as np


class Naming(msgspec.Struct, frozen=True):
    """How names are made in one country and script; `telling` words are joined by `join`."""

    country: str
    places: str
    telling: str
    fields: str
    forms: str
    join: str = " "
    between: str = " "


NAMINGS: Final = (
    Naming(
        "CN (Han)",
        "北京 上海 深圳市 成都 杭州 南京 武汉",
        "华 天 海 金 博 瑞 云 星 鸿 宏 盛 达 信 德 龙 鑫 嘉 恒 安 泰 中 联 创 智 明 远 锦 "
        "蓝 新 科 立 友 凯 康 正 弘 飞 腾 诚 美",
        "科技 电子 信息技术 软件 半导体 贸易 光电 机械设备 医疗 餐饮管理 教育咨询 网络",
        "有限公司 股份有限公司 集团",
        join="",
        between="",
    ),
    Naming(
        "CN (Latin)",
        "Beijing Shanghai Shenzhen Chengdu Hangzhou Nanjing Wuhan",
        "hua tian hai jin bo rui yun xing hong sheng da xin de long jia heng an tai zhong lian "
        "chuang zhi ming yuan feng lan ke li you kai kang zheng fei teng cheng mei",
        "Technology Electronics Software Semiconductor Trading Optoelectronics Machinery Medical "
        "Education Network Information",
        "Co.,\u00a0Ltd. Limited Group",
        join="",
    ),
    Naming(
        "RU (Cyrillic)",
        "Москва Казань Новосибирск",
        "Вектор Альфа Горизонт Восток Заря Луч Сигма Орион "
        "Полюс Волна Маяк Титан Рубин Алмаз Сокол "
        "Метеор Сириус Вега Аврора Гранит Старт Импульс Форт Днепр Байкал",
        "Технологии Строй Сервис Торговля Электроника Логистика Мебель Софт Инвест",
        "ООО АО ПАО",
    ),
    Naming(
        "RU (Latin)",
        "Moscow Kazan Novosibirsk",
        "Vektor Alfa Gorizont Vostok Zarya Luch Sigma Orion Polyus Volna Mayak Titan Rubin Almaz "
        "Sokol Meteor Sirius Vega Avrora Granit Start Impuls Fort Dnepr Baikal",
        "Technologies Construction Service Trading Electronics Logistics Software Invest",
        "OOO JSC LLC",
    ),
    Naming(
        "IR",
        "Tehran Isfahan Shiraz",
        "Pars Aria Sepehr Kavir Arman Negin Tooska Azar Parsian Kaveh Mehr Sina Omid Novin Rayan "
        "Kian Damavand Alborz Caspian Homa Saba Atlas Pouya Sahand Toos",
        "Technology Industries Trading Software Engineering Chemical Electronics",
        "Co. Company PJS",
    ),
    Naming(
        "AE (Arabic)",
        "دبي بيروت القاهرة",
        "النور الفجر الخليج الواحة البحر الزهرة القمة الأمل الشروق الصقر الريان الفرات الرافدين "
        "المدينة السلام النجم الهلال البركة الاخضر القصر الندى الوفاء",
        "للتجارة للصناعات للتقنية للسياحة للمقاولات",
        "شركة مؤسسة",
    ),
    Naming(
        "AE (Latin)",
        "Dubai Sharjah Doha",
        "Noor Fajr Khaleej Waha Bahr Zahra Qimma Amal Shorouk Saqr Rayan Furat Rafidain Madina "
        "Salam Najm Hilal Baraka Akhdar Qasr Nada Wafa",
        "Trading Industries Technology Travel Contracting",
        "LLC FZE",
    ),
    Naming(
        "KR",
        "서울 부산 대전",
        "한 나 래 대 동 성 세 미 진 우 현 신 영 일 삼 원 보 광 서 린 정 유 명 태 화 경 비 로",
        "전자 반도체 정밀 소프트 무역 물산 건설",
        "주식회사 (주)",
        join="",
    ),
    Naming(
        "JP",
        "東京 大阪 横浜",
        "ミナト ヤマト サクラ ヒカリ フジ アサヒ ミライ ニコ "
        "タカラ キタ ホシ オリオン 北川 山田 日野 中村 "
        "田村 石原 大原 高橋 小林 松本",
        "電子 精機 工業 システム ソフト 商事",
        "株式会社",
        join="",
        between="",
    ),
    Naming(
        "DE",
        "Berlin Hamburg München",
        "Hallmann Weber Neumann Hofmann Krüger Lindner Vogel "
        "Keller Brandt Sommer Winter Falk Adler "
        "Stern Berger Wald Rosen Stein Feld Bach Lang Kurz",
        "Maschinenbau Software Logistik Elektronik Verlag Consulting Chemie",
        "GmbH AG UG",
    ),
    Naming(
        "US",
        "London Berlin Boston",
        "Bright Silver Copper Stone Maple River Harbor Summit Apex North Star Lumen Vector Quantum "
        "Atlas Pioneer Cedar Falcon Eagle Granite Horizon Beacon Canyon Meadow Polaris "
        "Kestrel",
        "Technologies Software Analytics Logistics Photonics Robotics Consulting Trading Systems",
        "Inc. LLC Ltd",
    ),
    Naming(
        "IN",
        "Mumbai Delhi Bangalore",
        "Bhargav Sanjeev Ashok Lakshmi Ganesh Krishna Surya "
        "Chandra Vijay Shakti Anand Arjun Bharani "
        "Deepak Indra Kamal Mohan Nirmal Pavan Rajesh Shiva Tara",
        "Technologies Exports Components Textiles Software Engineering Industries",
        "Private\u00a0Limited Pvt.\u00a0Ltd. LLP",
    ),
    Naming(
        "TR",
        "Ankara İstanbul Bursa",
        "Yıldız Kuzey Güneş Anadolu Ege Marmara Toros Demir Kartal Şahin Deniz Aslan Bozkurt Çınar "
        "Doruk Ufuk Yaman Kaya Tuna Akın Ergin",
        "Savunma Havacılık Yazılım Teknoloji Tekstil Lojistik Gıda",
        "A.Ş. Ltd.\u00a0Şti.",
    ),
)
"""Countries and scripts; the words are invented uses of common ones."""


def benign_names(naming: Naming, count: int, rng: np.random.Generator) -> list[str]:
    """Draw names of one country.

    Args:
        naming: how they are made.
        count: how many.
        rng: source of every draw.
    """
    telling, places, fields, forms = (
        text.split(" ") for text in (naming.telling, naming.places, naming.fields, naming.forms)
    )
    names = []
    for _ in range(count):
        size = rng.integers(2, 4) if naming.join == "" else rng.integers(1, 3)
        core = naming.join.join(rng.choice(telling, size))
        parts = [core.title() if core.isascii() else core, rng.choice(fields), rng.choice(forms)]
        if rng.random() < 0.5:
            parts.insert(0, rng.choice(places))
        names.append(naming.between.join(parts).replace("\u00a0", " "))
    return names
