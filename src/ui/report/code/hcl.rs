//! A plan as Terraform: what exists is imported, so that it is changed and not made again.

use std::fmt::Write as _;

use serde_json::Value;

use super::{Coding, Export, about, comment, taken};
use crate::resources::{Change, Node, Piece, pieces};

/// The whole file.
pub fn terraform(export: &Export<'_>) -> String {
    let coding = Coding::new(export, |_| true);
    let mut out = export.preface("A plan as Terraform");
    if coding.declared().any(|(_, node)| node.exists()) {
        let words = "What is imported belongs to Terraform from then on: `terraform destroy`, or taking it out of the code, deletes it.";
        comment(&mut out, words);
    }
    out.push_str(&providers(export, &coding));
    for (change, node) in coding.declared() {
        out.push('\n');
        block(&mut out, &coding, change, node);
    }
    let output_name =
        |change: &str, output: &str| label(&format!("{}_{output}", coding.name(change)));
    for (change, output) in coding.taken_after() {
        let (name, value) = (
            output_name(&change, &output),
            attribute(&coding, &change, &output),
        );
        let _ = writeln!(out, "\noutput \"{name}\" {{\n  value = {value}\n}}");
    }
    let reference = |change: &str, output: &str| {
        format!("$(terraform output -raw {})", output_name(change, output))
    };
    let rest = coding.rest(export, "Terraform", "", &reference);
    if !rest.is_empty() {
        out.push('\n');
        out.push_str(&rest);
    }
    out
}

fn providers(export: &Export<'_>, coding: &Coding<'_>) -> String {
    let nodes = || coding.declared().map(|(_, node)| node);
    let own = nodes().any(|n| n.hashicorp.is_some());
    let cloud_control = nodes().any(|n| n.hashicorp.is_none());
    let used = [("aws", own), ("awscc", cloud_control)];
    let used = || used.iter().filter(|(_, used)| *used).map(|(name, _)| *name);
    if used().next().is_none() {
        return String::new();
    }
    let mut out =
        "\nterraform {\n  required_version = \">= 1.5.0\"\n  required_providers {\n".to_owned();
    for name in used() {
        let _ = writeln!(
            out,
            "    {name} = {{\n      source = \"hashicorp/{name}\"\n    }}"
        );
    }
    out.push_str("  }\n}\n");
    for name in used() {
        let _ = write!(
            out,
            "\nprovider \"{name}\" {{\n  region = \"{}\"\n",
            export.region
        );
        // `awscc` knows no such guard.
        if let (Some(account), "aws") = (export.account, name) {
            let _ = writeln!(out, "  allowed_account_ids = [\"{account}\"]");
        }
        out.push_str("}\n");
    }
    out
}

fn block(out: &mut String, coding: &Coding<'_>, change: &Change, node: &Node) {
    out.push_str(&about(change));
    let address = address(coding, &change.id, node);
    let import = node.hashicorp.as_ref().map_or(&node.import, |h| &h.import);
    if let Some(id) = import {
        let _ = writeln!(
            out,
            "import {{\n  to = {address}\n  id = {}\n}}\n",
            text(id, coding)
        );
    }
    let _ = writeln!(
        out,
        "resource \"{}\" \"{}\" {{",
        kind(node),
        label(&coding.name(&change.id))
    );
    let attributes = node
        .hashicorp
        .as_ref()
        .map_or(&node.properties, |h| &h.attributes);
    for (name, value) in attributes.as_object().into_iter().flatten() {
        let (name, value) = match &node.hashicorp {
            None => (snake(name), plain(value, 1, coding, true)),
            Some(_) if value.is_object() && name != "tags" => {
                let document = plain(value, 1, coding, false);
                (name.clone(), format!("jsonencode({document})"))
            }
            Some(_) => (name.clone(), plain(value, 1, coding, false)),
        };
        let _ = writeln!(out, "  {name} = {value}");
    }
    let mut used = std::collections::BTreeSet::new();
    taken(attributes, &mut used);
    let after: Vec<String> = change
        .needs
        .iter()
        .filter(|n| !used.iter().any(|(change, _)| change == *n))
        .filter_map(|n| Some(self::address(coding, n, coding.node(n)?)))
        .collect();
    if !after.is_empty() {
        let _ = writeln!(out, "  depends_on = [{}]", after.join(", "));
    }
    if let Some(own) = node.hashicorp.as_ref().filter(|h| !h.ignore.is_empty()) {
        let ignored = own.ignore.join(", ");
        let _ = writeln!(
            out,
            "  lifecycle {{\n    ignore_changes = [{ignored}]\n  }}"
        );
    }
    out.push_str("}\n");
}

/// `AWS::RAM::ResourceShare` is `awscc_ram_resource_share`.
fn kind(node: &Node) -> String {
    if let Some(own) = &node.hashicorp {
        return own.kind.to_owned();
    }
    let mut parts = node.kind.split("::").skip(1);
    let service = parts.next().unwrap_or_default().to_ascii_lowercase();
    format!(
        "awscc_{service}_{}",
        snake(parts.next().unwrap_or_default())
    )
}

fn address(coding: &Coding<'_>, id: &str, node: &Node) -> String {
    format!("{}.{}", kind(node), label(&coding.name(id)))
}

/// What a thing that is declared puts out.
fn attribute(coding: &Coding<'_>, change: &str, output: &str) -> String {
    // What a change needs is declared before it, so that another name is a text of somebody's.
    let Some(node) = coding.node(change) else {
        return "null".to_owned();
    };
    let outputs = node.outputs.iter();
    let name = outputs
        .clone()
        .find(|(o, _)| *o == output)
        .map_or(output, |(_, name)| name);
    let name = match snake(name) {
        // `id` is the provider's own identifier; the service's is named after the thing.
        id if id == "id" => {
            let thing = node.kind.rsplit("::").next().unwrap_or_default();
            format!("{}_id", snake(thing))
        }
        other => other,
    };
    format!("{}.{name}", address(coding, change, node))
}

fn label(name: &str) -> String {
    let name = name.to_owned();
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        format!("_{name}")
    } else {
        name
    }
}

/// `VpcIdentifier` is `vpc_identifier`.
fn snake(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// `own_names`: members of objects are the provider's, in its spelling; otherwise they are data, and stay as they are.
fn plain(value: &Value, depth: usize, coding: &Coding<'_>, own_names: bool) -> String {
    let (inner, outer) = ("  ".repeat(depth + 1), "  ".repeat(depth));
    match value {
        Value::String(words) => text(words, coding),
        Value::Array(list) if list.is_empty() => "[]".to_owned(),
        Value::Array(list) => {
            let each = list
                .iter()
                .map(|v| format!("{inner}{},\n", plain(v, depth + 1, coding, own_names)));
            format!("[\n{}{outer}]", each.collect::<String>())
        }
        Value::Object(members) if members.is_empty() => "{}".to_owned(),
        Value::Object(members) => {
            let each = members.iter().map(|(name, v)| {
                let name = if own_names {
                    snake(name)
                } else {
                    text(name, coding)
                };
                format!(
                    "{inner}{name} = {}\n",
                    plain(v, depth + 1, coding, own_names)
                )
            });
            format!("{{\n{}{outer}}}", each.collect::<String>())
        }
        other => other.to_string(),
    }
}

/// A text as HCL writes it: of many lines as such, so that it can be read.
fn text(words: &str, coding: &Coding<'_>) -> String {
    let is_plain = |c: char| c == '\n' || c == '\t' || !c.is_control();
    let of_lines = words.trim_end_matches('\n').contains('\n') && words.chars().all(is_plain);
    let mut out = String::new();
    for piece in pieces(words) {
        match piece {
            Piece::Output { change, output } => {
                let _ = write!(out, "${{{}}}", attribute(coding, change, output));
            }
            Piece::Text(text) => {
                let literal = text.replace("${", "$${").replace("%{", "%%{");
                if of_lines {
                    out.push_str(&literal);
                } else {
                    escape(&mut out, &literal);
                }
            }
        }
    }
    if !of_lines {
        return format!("\"{out}\"");
    }
    let mut end = "EOT".to_owned();
    while out.lines().any(|l| l.trim() == end) {
        end.push('_');
    }
    match out.strip_suffix('\n') {
        Some(body) => format!("<<{end}\n{body}\n{end}"),
        // A heredoc ends with a line break, and this text does not.
        None => format!("trimsuffix(<<{end}\n{out}\n{end}\n, \"\\n\")"),
    }
}

fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_what_it_is() {
        let none = Coding {
            all: Vec::new(),
            names: std::collections::BTreeMap::new(),
            declared: std::collections::BTreeMap::new(),
        };
        assert_eq!(
            text("a \"b\" ${aws:userid} %{x}", &none),
            r#""a \"b\" $${aws:userid} %%{x}""#
        );
        assert_eq!(text("one\ntwo\n", &none), "<<EOT\none\ntwo\nEOT");
        assert_eq!(
            text("one\nEOT", &none),
            "trimsuffix(<<EOT_\none\nEOT\nEOT_\n, \"\\n\")"
        );
        assert_eq!(text("a\r\nb", &none), r#""a\r\nb""#);
        assert_eq!(
            snake("ResourceConfigDnsResolution"),
            "resource_config_dns_resolution"
        );
    }
}
