//! A plan as a template of CloudFormation: new things alone, because a stack that takes in what exists is another procedure.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::{Coding, Export, about, taken, words_of};
use crate::resources::{Change, Node, Piece, pieces};

/// The whole template. It is JSON, with comments as YAML has them: CloudFormation reads it as YAML.
pub fn cloudformation(export: &Export<'_>) -> String {
    let coding = Coding::new(export, |node| !node.exists());
    let mut out = export.preface("A plan as a template of CloudFormation");
    let key = |change: &str, output: &str| logical(&format!("{}_{output}", coding.name(change)));
    let reference = |change: &str, output: &str| {
        format!(
            "$(aws cloudformation describe-stacks --stack-name \"$STACK\" --query \"Stacks[0].Outputs[?OutputKey=='{}'].OutputValue\" --output text)",
            key(change, output)
        )
    };
    let stack = "STACK=${STACK:-studiolink}\n";
    let rest = coding.rest(export, "This template", stack, &reference);
    if coding.declared().next().is_none() {
        out.push_str("# Nothing of the plan is a new thing that CloudFormation could make.\n");
        out.push_str(&rest);
        return out;
    }
    let has_iam = coding
        .declared()
        .any(|(_, n)| n.kind.starts_with("AWS::IAM::"));
    let capability = if has_iam {
        " --capabilities CAPABILITY_NAMED_IAM"
    } else {
        ""
    };
    let _ = writeln!(
        out,
        "# aws cloudformation deploy --stack-name studiolink --template-file FILE{capability}"
    );
    let mut resources = Map::new();
    for (change, node) in coding.declared() {
        out.push_str(&about(change));
        resources.insert(
            logical(&coding.name(&change.id)),
            resource(&coding, change, node),
        );
    }
    let mut template = json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "What an AYON publish step needs of Deadline Cloud, planned by studiolink",
        "Resources": resources,
    });
    let outputs = coding.taken_after();
    if !outputs.is_empty() {
        let each = outputs.iter().map(|(change, output)| {
            let value = json!({ "Value": attribute(&coding, change, output) });
            (key(change, output), value)
        });
        template["Outputs"] = Value::Object(each.collect());
    }
    let text = serde_json::to_string_pretty(&template).unwrap_or_default();
    let _ = writeln!(out, "{text}");
    if !rest.is_empty() {
        let _ = write!(out, "\n{rest}");
    }
    out
}

fn resource(coding: &Coding<'_>, change: &Change, node: &Node) -> Value {
    let mut used = BTreeSet::new();
    taken(&node.properties, &mut used);
    let after: Vec<String> = change
        .needs
        .iter()
        .filter(|n| coding.is(n))
        .filter(|n| !used.iter().any(|(change, _)| change == *n))
        .map(|n| logical(&coding.name(n)))
        .collect();
    let mut own = json!({ "Type": node.kind, "Properties": filled(&node.properties, coding) });
    if !after.is_empty() {
        own["DependsOn"] = json!(after);
    }
    own
}

/// Values with references in place of placeholders.
fn filled(value: &Value, coding: &Coding<'_>) -> Value {
    match value {
        Value::String(text) => match pieces(text).as_slice() {
            [Piece::Output { change, output }] => attribute(coding, change, output),
            all if all.iter().all(|p| matches!(p, Piece::Text(_))) => value.clone(),
            all => {
                let part = |piece: &Piece<'_>| match piece {
                    Piece::Text(text) => text.replace("${", "${!"),
                    Piece::Output { change, output } => {
                        format!(
                            "${{{}.{}}}",
                            logical(&coding.name(change)),
                            attribute_name(coding, change, output)
                        )
                    }
                };
                json!({ "Fn::Sub": all.iter().map(part).collect::<String>() })
            }
        },
        Value::Array(list) => list.iter().map(|v| filled(v, coding)).collect(),
        Value::Object(members) => {
            let each = members.iter().map(|(k, v)| (k.clone(), filled(v, coding)));
            Value::Object(each.collect())
        }
        other => other.clone(),
    }
}

fn attribute_name<'a>(coding: &'a Coding<'_>, change: &str, output: &'a str) -> &'a str {
    let mut outputs = coding
        .node(change)
        .into_iter()
        .flat_map(|n| n.outputs.iter());
    outputs
        .find(|(o, _)| *o == output)
        .map_or(output, |(_, name)| name)
}

fn attribute(coding: &Coding<'_>, change: &str, output: &str) -> Value {
    json!({ "Fn::GetAtt": [logical(&coding.name(change)), attribute_name(coding, change, output)] })
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
