"""Members and their signed-in sessions."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from experiment_server.columns import UTCDateTime


class Member(SQLModel, table=True):
    """A person who logs in here."""

    __tablename__ = "member"

    id: int | None = Field(default=None, primary_key=True)
    email: str = Field(unique=True, index=True, max_length=254)  # lower case
    title: str = Field(max_length=200)
    role: str = Field(max_length=20)  # a row of security.roles.ROLES
    password_hash: str = Field(max_length=300)  # Argon2id
    created_at: datetime = Field(sa_type=UTCDateTime)
    disabled_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    failed_logins: int = 0  # since the last good one
    locked_until: datetime | None = Field(default=None, sa_type=UTCDateTime)


class LoginSession(SQLModel, table=True):
    """One signed-in browser; the cookie's secret is stored hashed."""

    __tablename__ = "login_session"

    token_hash: str = Field(primary_key=True, max_length=64)
    member_id: int = Field(foreign_key="member.id", index=True)
    csrf_token: str = Field(max_length=64)
    created_at: datetime = Field(sa_type=UTCDateTime)
    last_seen_at: datetime = Field(sa_type=UTCDateTime)
    expires_at: datetime = Field(sa_type=UTCDateTime)
