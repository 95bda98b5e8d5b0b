"""Money: an exact amount in the smallest unit of its currency."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from gateway.model.values import MAX_AMOUNT, InvalidValueError, whole

_EXPONENTS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: (
        "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY "
        "COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS "
        "INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR "
        "MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD "
        "SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD YER ZAR ZMW ZWG"
    ),
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
EXPONENTS = {code: exponent for exponent, codes in _EXPONENTS.items() for code in codes.split()}
"""Digits after the decimal point, by currency (ISO 4217, list one)."""


def currency(field: str, value: object) -> str:
    """An ISO 4217 code of a currency in use.

    Raises:
        InvalidValueError: unknown code.
    """
    if not isinstance(value, str) or value not in EXPONENTS:
        raise InvalidValueError(field, f"{value!r} is not a currency code of ISO 4217")
    return value


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount of money.

    Attributes:
        minor: the amount in the currency's smallest unit, 1250 for GBP 12.50. May be negative: tills refund so.
        currency_code: ISO 4217.
    """

    minor: int
    currency_code: str

    def __post_init__(self) -> None:
        whole("amount", self.minor, least=-MAX_AMOUNT, most=MAX_AMOUNT)
        currency("currency", self.currency_code)

    @property
    def amount(self) -> str:
        """The amount as a decimal string at the currency's exponent: ``12.50``, ``-3.00``, ``1200`` for JPY."""
        return minor_text(self.minor, self.currency_code)

    @classmethod
    def of(cls, amount: str | int | Decimal, currency_code: str) -> Money:
        """Exactly this amount of major units.

        Raises:
            InvalidValueError: not a number, finer than the currency's smallest unit, or an unknown currency.
        """
        exact = _decimal(amount).scaleb(EXPONENTS[currency("currency", currency_code)])
        if exact != exact.to_integral_value():
            raise InvalidValueError("amount", f"{amount} is finer than the smallest unit of {currency_code}")
        return cls(int(exact), currency_code)

    @classmethod
    def rounded(cls, amount: str | int | float | Decimal, currency_code: str) -> Money:
        """The nearest amount, rounded half up (away from zero). For channels that hold prices finer, or as floats."""
        shift = EXPONENTS[currency("currency", currency_code)]
        exact = _decimal(repr(amount) if isinstance(amount, float) else amount).scaleb(shift)
        return cls(int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP)), currency_code)


def minor_text(minor: int, currency_code: str) -> str:
    """An amount of the smallest unit as a decimal string at the currency's exponent."""
    exponent = EXPONENTS[currency_code]
    if exponent == 0:
        return str(minor)
    digits = str(abs(minor)).zfill(exponent + 1)
    return f"{'-' if minor < 0 else ''}{digits[:-exponent]}.{digits[-exponent:]}"


def _decimal(amount: str | int | Decimal) -> Decimal:
    try:
        exact = Decimal(amount)
    except (InvalidOperation, TypeError, ValueError) as error:
        raise InvalidValueError("amount", f"{amount!r} is not a number") from error
    if not exact.is_finite() or exact.adjusted() > 15 or (exact.adjusted() < -15 and exact):
        raise InvalidValueError("amount", f"{amount} is out of range")
    return exact


@dataclass(frozen=True, slots=True)
class MoneyRange:
    """The least and the greatest of some amounts in one currency."""

    min: Money
    max: Money
