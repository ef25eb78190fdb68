//! The API keys of an AYON user, made and deleted with an administrator's login. An answer about a user holds hashes: only
//! the named fields are taken out of it.

use reqwest::Method;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use url::Url;

use super::IN_PATH;
use super::client::{Client, Key, Question, get, send};
use crate::domain::ayon::{AyonUser, LabelledKey};
use crate::domain::fact::Fact;
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::text::Untrusted;
use crate::resources::AyonUserKey;
use crate::world::Record;

fn path(user: &str, rest: &str) -> String {
    let user = percent_encoding::utf8_percent_encode(user, IN_PATH);
    format!("api/users/{user}{rest}")
}

async fn read(
    record: &Record,
    client: &Client,
    url: &Url,
    admin: &SecretString,
    user: &str,
) -> Result<Value, Problem> {
    let question = Question {
        doing: "Could not read the AYON user",
        path: path(user, ""),
        key: Some(Key::Administrator(admin)),
    };
    let answer = get(record, client, url, question).await.map_err(|mut p| {
        if p.kind == ProblemKind::Missing {
            "name a service user that AYON has (Studio settings, Users)".clone_into(&mut p.fix);
        }
        p
    });
    // To somebody who may not see them, AYON shows a user without these.
    match answer {
        Ok(answer) if answer["data"].is_object() => Ok(answer),
        Ok(_) => Err(Problem::new(
            ProblemKind::Denied,
            "Could not read the AYON user",
            "AYON does not show the user's keys to this login",
            "sign in as an administrator or manager of AYON",
        )),
        Err(problem) => Err(problem),
    }
}

fn keys(answer: &Value) -> Vec<LabelledKey> {
    let list = answer["data"]["apiKeys"].as_array();
    let key = |it: &Value| {
        Some(LabelledKey {
            id: Untrusted::new(it["id"].as_str()?),
            label: Untrusted::new(it["label"].as_str()?),
        })
    };
    list.into_iter().flatten().filter_map(key).collect()
}

pub async fn look_user(
    record: &Record,
    client: &Client,
    url: &Url,
    admin: &SecretString,
    user: &str,
) -> Fact<AyonUser> {
    let answer = read(record, client, url, admin, user).await;
    let user = answer.map(|answer| AyonUser {
        service: answer["data"]["isService"] == true,
        active: answer["active"] != false,
        own_key: answer["data"]["apiKey"].is_string(),
        keys: keys(&answer),
    });
    user.into()
}

/// Gives the user that key. To a user who never had one AYON 1.15.18 answers 500, unless the empty list is put there first
/// (`ayon-recordings`, 050 to 055).
pub async fn make_key(
    record: &Record,
    client: &Client,
    admin: &SecretString,
    resource: &AyonUserKey,
    key: &SecretString,
) -> Result<(), Problem> {
    let AyonUserKey {
        server: url,
        user,
        label,
    } = resource;
    let doing = "Could not make an API key in AYON";
    let question = |rest: &str| Question {
        doing,
        path: path(user, rest),
        key: Some(Key::Administrator(admin)),
    };
    let there = read(record, client, url, admin, user).await?;
    if !there["data"]["apiKeys"].is_array() {
        let empty = json!({ "data": { "apiKeys": [] } });
        send(
            record,
            client,
            url,
            question(""),
            (Method::PATCH, Some(&empty)),
        )
        .await?;
    }
    let body = json!({ "label": label, "key": key.expose_secret(), "expires": null });
    send(
        record,
        client,
        url,
        question("/apikeys"),
        (Method::POST, Some(&body)),
    )
    .await?;
    Ok(())
}

/// Deletes the key of that label. One that is gone is as good as deleted.
pub async fn delete_key(
    record: &Record,
    client: &Client,
    admin: &SecretString,
    resource: &AyonUserKey,
) -> Result<(), Problem> {
    let (url, user) = (&resource.server, &resource.user);
    let there = read(record, client, url, admin, user).await?;
    let own = |k: &LabelledKey| k.label.raw() == resource.label;
    let Some(found) = keys(&there).into_iter().find(own) else {
        return Ok(());
    };
    let id = percent_encoding::utf8_percent_encode(found.id.raw(), IN_PATH);
    let question = Question {
        doing: "Could not delete the API key in AYON",
        path: path(user, &format!("/apikeys/{id}")),
        key: Some(Key::Administrator(admin)),
    };
    send(record, client, url, question, (Method::DELETE, None)).await?;
    Ok(())
}
