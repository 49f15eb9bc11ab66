"""Blocks as a user writes them."""

from dataclasses import dataclass
from datetime import date

from signoff.blocks import Context, block


@dataclass
class Item:
    price: float
    day: date | None = None


@dataclass
class Receipt:
    total: float
    key: str


@block
async def charge(ctx: Context, items: list[Item], currency: str = "EUR") -> Receipt:
    return Receipt(total=sum(item.price for item in items), key=f"{ctx.idempotency_key}/{currency}")


@block("echo.any", timeout=5)
def echo(value: object) -> object:
    return value


@block
async def nothing() -> None:
    pass
