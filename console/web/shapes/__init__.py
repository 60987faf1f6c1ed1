"""The shape of each JSON answer, for `/openapi.json`. Nothing is validated by them as it is served; tests do that."""
