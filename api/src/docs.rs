//! The OpenAPI description: what the routes say of themselves, and what all of them share.

use utoipa::OpenApi as _;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, Required};

use crate::problem::{FieldError, ProblemBody};
use crate::wire::{PrintStatus, Status};

/// The description before any route is added.
pub(crate) fn frame() -> OpenApi {
    #[derive(utoipa::OpenApi)]
    #[openapi(
        info(
            title = "TicketOverflow",
            description = "Sells concert tickets, prints them and draws seating plans. Errors are \
                `application/problem+json` (RFC 9457). Ids are opaque strings."
        ),
        tags(
            (name = "Concerts"),
            (name = "Layouts", description = "How houses are seated"),
            (name = "Tickets"),
            (name = "Prints"),
            (name = "Users", description = "A stand-in for another service: a fixed list"),
            (name = "Health"),
            (name = "Operations"),
        ),
        components(schemas(ProblemBody, FieldError, Status, PrintStatus))
    )]
    struct Frame;

    Frame::openapi()
}

/// Adds what every operation shares, so that no route has to repeat it.
pub(crate) fn complete(mut openapi: OpenApi) -> OpenApi {
    for path in openapi.paths.paths.values_mut() {
        if let Some(post) = &mut path.post {
            idempotent(post);
            takes_body(post);
        }
        if let Some(put) = &mut path.put {
            takes_body(put);
        }
        let operations = [&mut path.get, &mut path.post, &mut path.put];
        for operation in operations.into_iter().flatten() {
            for (status, response) in &mut operation.responses.responses {
                if let (RefOr::T(response), true) = (response, status.as_str() >= "400") {
                    show_problem(response);
                }
            }
        }
    }
    openapi
}

/// What a request with a body can come to before it is understood.
fn takes_body(operation: &mut Operation) {
    add(operation, "408", "The body did not arrive in time");
    add(operation, "413", "The body is too large");
}

fn idempotent(operation: &mut Operation) {
    let key = ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "1 to 255 visible ASCII characters. The same key with the same request has one \
             effect and the same answer for 24 hours.",
        ))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .build();
    operation
        .parameters
        .get_or_insert_default()
        .push(key.into());
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            let replayed = HeaderBuilder::new()
                .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
                .description(Some("`true` when the answer was given before"))
                .build();
            response
                .headers
                .insert("Idempotency-Replayed".into(), replayed.into());
        }
    }
    add(
        operation,
        "409",
        "The request with this idempotency key is still running",
    );
    add(
        operation,
        "422",
        "The idempotency key belongs to another request",
    );
}

/// Adds a status, or another reason for it.
fn add(operation: &mut Operation, status: &str, description: &str) {
    let responses = &mut operation.responses.responses;
    if let Some(RefOr::T(known)) = responses.get_mut(status) {
        known.description = format!("{}; or: {description}", known.description);
        return;
    }
    let response = ResponseBuilder::new().description(description).build();
    responses.insert(status.to_owned(), response.into());
}

fn show_problem(response: &mut Response) {
    let problem = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .build();
    response
        .content
        .insert("application/problem+json".to_owned(), problem.into());
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    fn description() -> Value {
        serde_json::to_value(crate::openapi()).unwrap()
    }

    #[test]
    fn every_route_of_the_contract_is_described() {
        let description = description();
        assert!(description["openapi"].as_str().unwrap().starts_with("3.1"));
        let routes = [
            ("/users", "get"),
            ("/users/{id}", "get"),
            ("/users/health", "get"),
            ("/concerts", "get"),
            ("/concerts", "post"),
            ("/concerts/{id}", "get"),
            ("/concerts/{id}", "put"),
            ("/concerts/{id}/seats", "get"),
            ("/concerts/health", "get"),
            ("/tickets", "get"),
            ("/tickets", "post"),
            ("/tickets/{id}", "get"),
            ("/tickets/{id}/print", "get"),
            ("/tickets/{id}/print", "post"),
            ("/tickets/{id}/print.pdf", "get"),
            ("/tickets/{id}/print.png", "get"),
            ("/tickets/health", "get"),
        ];
        for (path, verb) in routes {
            let operation = &description["paths"][format!("/api/v1{path}")][verb];
            assert!(operation["summary"].is_string(), "{verb} {path}");
        }
    }

    #[test]
    fn every_error_is_described_as_a_problem() {
        for (path, verbs) in description()["paths"].as_object().unwrap() {
            for (verb, operation) in verbs.as_object().unwrap() {
                let responses = operation["responses"].as_object().unwrap();
                for (status, response) in responses {
                    let problem = &response["content"]["application/problem+json"];
                    assert_eq!(
                        status.as_str() >= "400",
                        problem.is_object(),
                        "{verb} {path}"
                    );
                }
                let takes_body = verb == "post" || verb == "put";
                assert_eq!(takes_body, responses.contains_key("413"), "{verb} {path}");
            }
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn references(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::Object(members) => {
                    found.extend(
                        members
                            .get("$ref")
                            .map(|at| at.as_str().unwrap().to_owned()),
                    );
                    members
                        .values()
                        .for_each(|member| references(member, found));
                }
                Value::Array(items) => items.iter().for_each(|item| references(item, found)),
                _ => {}
            }
        }

        let description = description();
        let mut found = Vec::new();
        references(&description, &mut found);
        assert!(!found.is_empty());
        for reference in found {
            let pointer = reference.trim_start_matches('#');
            assert!(description.pointer(pointer).is_some(), "{reference}");
        }
    }
}
