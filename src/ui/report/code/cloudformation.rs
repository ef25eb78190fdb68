//! A plan as a template of CloudFormation: new things alone, because a stack that takes in what exists is another procedure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::{Coded, Export, about, rest, taken, taken_after, words_of};
use crate::resources::{Node, Piece, pieces};

/// The whole template. It is JSON, with comments as YAML has them: CloudFormation reads it as YAML.
pub fn cloudformation(export: &Export<'_>) -> String {
    let all = export.coded();
    let declared = export.declared(&all, |node| !node.exists());
    let mut out = export.preface("A plan as a template of CloudFormation");
    let reference = |change: &str, output: &str| {
        let key = logical(&format!("{change} {output}"));
        format!(
            "$(aws cloudformation describe-stacks --stack-name \"$STACK\" --query \"Stacks[0].Outputs[?OutputKey=='{key}'].OutputValue\" --output text)"
        )
    };
    let rest = rest(export, &all, &declared, "This template", &reference);
    if declared.is_empty() {
        out.push_str("# Nothing of the plan is a new thing that CloudFormation could make.\n");
        out.push_str(&rest);
        return out;
    }
    let named = declared.values().filter_map(|c| c.node());
    if named.into_iter().any(|n| n.kind.starts_with("AWS::IAM::")) {
        out.push_str("# aws cloudformation deploy --stack-name studiolink --template-file FILE --capabilities CAPABILITY_NAMED_IAM\n");
    } else {
        out.push_str("# aws cloudformation deploy --stack-name studiolink --template-file FILE\n");
    }
    let mut resources = Map::new();
    for it in all
        .iter()
        .filter(|c| declared.contains_key(c.change.id.as_str()))
    {
        for line in about(it.change).lines() {
            let _ = writeln!(out, "{line}");
        }
        if let Some(node) = it.node() {
            resources.insert(logical(&it.change.id), resource(it, node, &declared));
        }
    }
    let mut template = json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "What an AYON publish step needs of Deadline Cloud, planned by studiolink",
        "Resources": resources,
    });
    let outputs = taken_after(&all, &declared);
    if !outputs.is_empty() {
        let each = outputs.iter().map(|(change, output)| {
            let value = json!({ "Value": attribute(&declared, change, output) });
            (logical(&format!("{change} {output}")), value)
        });
        template["Outputs"] = Value::Object(each.collect());
    }
    let text = serde_json::to_string_pretty(&template).unwrap_or_default();
    let _ = writeln!(out, "{text}");
    if !rest.is_empty() {
        let _ = write!(out, "\n# STACK=studiolink\n{rest}");
    }
    out
}

fn resource(it: &Coded<'_>, node: &Node, declared: &BTreeMap<&str, &Coded<'_>>) -> Value {
    let mut used = BTreeSet::new();
    taken(&node.properties, &mut used);
    let after: Vec<String> = it
        .change
        .needs
        .iter()
        .filter(|n| declared.contains_key(n.as_str()))
        .filter(|n| !used.iter().any(|(change, _)| change == *n))
        .map(|n| logical(n))
        .collect();
    let mut own = json!({ "Type": node.kind, "Properties": filled(&node.properties, declared) });
    if !after.is_empty() {
        own["DependsOn"] = json!(after);
    }
    own
}

/// Values with references in place of placeholders.
fn filled(value: &Value, declared: &BTreeMap<&str, &Coded<'_>>) -> Value {
    match value {
        Value::String(text) => match pieces(text).as_slice() {
            [Piece::Output { change, output }] => attribute(declared, change, output),
            all if all.iter().all(|p| matches!(p, Piece::Text(_))) => value.clone(),
            all => {
                let part = |piece: &Piece<'_>| match piece {
                    Piece::Text(text) => text.replace("${", "${!"),
                    Piece::Output { change, output } => {
                        format!(
                            "${{{}.{}}}",
                            logical(change),
                            attribute_name(declared, change, output)
                        )
                    }
                };
                json!({ "Fn::Sub": all.iter().map(part).collect::<String>() })
            }
        },
        Value::Array(list) => list.iter().map(|v| filled(v, declared)).collect(),
        Value::Object(members) => {
            let each = members
                .iter()
                .map(|(k, v)| (k.clone(), filled(v, declared)));
            Value::Object(each.collect())
        }
        other => other.clone(),
    }
}

fn attribute_name<'a>(
    declared: &BTreeMap<&str, &'a Coded<'_>>,
    change: &str,
    output: &'a str,
) -> &'a str {
    let node = declared.get(change).and_then(|c| c.node());
    let mut outputs = node.into_iter().flat_map(|n| n.outputs.iter());
    outputs
        .find(|(o, _)| *o == output)
        .map_or(output, |(_, name)| name)
}

fn attribute(declared: &BTreeMap<&str, &Coded<'_>>, change: &str, output: &str) -> Value {
    json!({ "Fn::GetAtt": [logical(change), attribute_name(declared, change, output)] })
}

/// A logical id has letters and digits alone.
fn logical(id: &str) -> String {
    let mut out = String::new();
    for word in words_of(id) {
        let mut chars = word.chars();
        out.extend(chars.next().map(|c| c.to_ascii_uppercase()));
        out.push_str(chars.as_str());
    }
    out
}
