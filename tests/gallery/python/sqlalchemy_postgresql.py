"""Objects in PostgreSQL by SQLAlchemy, whose pool keeps a connection of the load time."""

import os

from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

settings = dict(word.split("=") for word in os.environ["POSTGRESQL"].split())
engine = create_engine("postgresql+psycopg://{user}@{host}:{port}/{dbname}".format(**settings))


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    __table_args__ = ({"prefixes": ["TEMPORARY"]},)
    number: Mapped[int] = mapped_column(primary_key=True)
    item: Mapped[str]


with engine.connect() as connection:
    connection.execute(select(1))


def main(params):
    with engine.connect() as connection, connection.begin() as transaction:
        Base.metadata.create_all(connection)
        with Session(connection) as session:
            session.add_all(Order(item=f"item {number}") for number in range(params["n"]))
            session.flush()
            count = session.scalar(select(func.count()).select_from(Order))
        transaction.rollback()
    return {"count": count}
