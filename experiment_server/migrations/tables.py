"""Every table of the service, gathered for comparing the models with the schema."""

import sqlalchemy as sa
from sqlmodel import SQLModel

from experiment_server.audit import models as audit
from experiment_server.environments import models as environments
from experiment_server.experiments import models as experiments
from experiment_server.flags import models as flags
from experiment_server.holdouts import models as holdouts
from experiment_server.imports import models as imports
from experiment_server.ingest import models as ingest
from experiment_server.ingest import outcome_models as outcomes
from experiment_server.kind_rules import models as kind_rules
from experiment_server.members import models as members
from experiment_server.metrics import models as metrics
from experiment_server.notify import models as notify
from experiment_server.quarantine import models as quarantine
from experiment_server.readouts import models as readouts
from experiment_server.reports import models as reports
from experiment_server.retention import models as retention
from experiment_server.schedule import models as schedule
from experiment_server.scores import models as scores
from experiment_server.sources import models as sources
from experiment_server.xapi import models as xapi

MODELS = (
    audit,
    environments,
    experiments,
    flags,
    holdouts,
    imports,
    ingest,
    kind_rules,
    members,
    metrics,
    notify,
    outcomes,
    quarantine,
    readouts,
    reports,
    retention,
    schedule,
    scores,
    sources,
    xapi,
)
METADATA: sa.MetaData = SQLModel.metadata
