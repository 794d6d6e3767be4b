"""The endpoints of dashboards, described."""

from typing import Annotated

from msgspec import Meta

from cordwood.errors import NotFound, UnsupportedMedia
from cordwood.http.openapi import JSON, Answer, Operation, Parameter
from cordwood.model.alerts.rule import NAME_PATTERN
from cordwood.query.alerts.shapes import Deleted
from cordwood.query.dashboards.shapes import DashboardList, NamedDashboard, NewDashboard

_BASE = "/api/v1/dashboards"
_NAME = Parameter(
    name="name",
    about="its name",
    schema=Annotated[str, Meta(pattern=NAME_PATTERN, examples=["overview"])],
    where="path",
)

DASHBOARDS = (
    Operation(
        path=_BASE,
        name="dashboards",
        about="dashboards: those that come with Cordwood, and the tenant's",
        scope="query",
        answers={200: Answer(about="all of them, without their panels", content={JSON: DashboardList})},
    ),
    Operation(
        path=f"{_BASE}/{{name}}",
        name="dashboard",
        about="one dashboard, whole",
        scope="query",
        parameters=(_NAME,),
        answers={200: Answer(about="the dashboard", content={JSON: NamedDashboard})},
        errors=(NotFound,),
    ),
    Operation(
        method="PUT",
        path=f"{_BASE}/{{name}}",
        name="put_dashboard",
        about="keep a dashboard under a name, or change the one that is kept there",
        scope="admin",
        parameters=(_NAME,),
        body={JSON: NewDashboard},
        answers={200: Answer(about="as it is kept", content={JSON: NamedDashboard})},
        errors=(UnsupportedMedia,),
    ),
    Operation(
        method="DELETE",
        path=f"{_BASE}/{{name}}",
        name="delete_dashboard",
        about="forget a dashboard",
        scope="admin",
        parameters=(_NAME,),
        answers={200: Answer(about="its name", content={JSON: Deleted})},
        errors=(NotFound,),
    ),
)
