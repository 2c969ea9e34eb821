"""Paths of the catalog, relative to /v1/."""

from django.urls import path

from catalog import api

urlpatterns = [
    path("catalog/workflow-products", api.WorkflowProductListView.as_view()),
    path("catalog/workflow-products/<str:slug>", api.WorkflowProductView.as_view()),
    path("catalog/models", api.ModelListView.as_view()),
    path("catalog/models/<path:slug>", api.ModelView.as_view()),
    path("catalog/providers", api.ProviderListView.as_view()),
    path("catalog/providers/<str:slug>", api.ProviderView.as_view()),
    path("catalog/rankings", api.RankingView.as_view()),
    path("route-policies", api.RoutePolicyListView.as_view()),
]
