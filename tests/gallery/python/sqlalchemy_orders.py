"""Objects in SQLite by SQLAlchemy, whose pool keeps a connection of the load time."""

import tempfile
from pathlib import Path

from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

engine = create_engine(f"sqlite:///{Path(tempfile.mkdtemp()) / 'orders.db'}")


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    number: Mapped[int] = mapped_column(primary_key=True)
    item: Mapped[str]


Base.metadata.create_all(engine)


def main(params):
    with Session(engine) as session:
        session.add_all(Order(item=f"item {number}") for number in range(params["n"]))
        session.commit()
        return {"count": session.scalar(select(func.count()).select_from(Order))}
