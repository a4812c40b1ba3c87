//! Client of a registry with Confluent's REST API.
