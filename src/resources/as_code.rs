//! A change as code, for studios that change nothing by hand: the calls as the aws CLI takes them, and where
//! infrastructure as code has such a thing, the thing. As data; `ui/report/code` writes it down.

use serde_json::{Value, json};

use crate::domain::text::Printable;

/// A call of the aws CLI.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// As the CLI names the service: `deadline`, `vpc-lattice`.
    pub service: &'static str,
    /// As the API names it: `UpdateFleet`.
    pub operation: &'static str,
    /// The request, with the names of the API.
    pub input: Value,
}

impl Call {
    pub fn new(service: &'static str, operation: &'static str, input: Value) -> Self {
        Self {
            service,
            operation,
            input,
        }
    }
}

/// What must still be so just before the change, because the plan was made from it.
#[derive(Debug, Clone, PartialEq)]
pub struct Guard {
    pub call: Call,
    /// JMESPath.
    pub query: String,
    /// What it has to say.
    pub is: Value,
}

/// What the service has to say before anything that needs the change is made.
#[derive(Debug, Clone, PartialEq)]
pub struct Wait {
    pub call: Call,
    pub query: String,
    /// The words that end the wait well.
    pub ready: &'static [&'static str],
    /// Those on the way there. Any other word stops.
    pub coming: &'static [&'static str],
}

/// A thing as CloudFormation has it; Terraform's `awscc` is made of the same data.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// `AWS::Deadline::QueueEnvironment`
    pub kind: &'static str,
    pub properties: Value,
    /// What the other changes take from it, and the attribute that it is here: `("arn", "Arn")`.
    pub outputs: &'static [(&'static str, &'static str)],
    /// Its identifier where it exists already.
    pub import: Option<String>,
    /// Terraform's own provider has it too, and is used more.
    pub hashicorp: Option<Hashicorp>,
}

/// A thing as Terraform's `hashicorp/aws` has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Hashicorp {
    pub kind: &'static str,
    /// A member whose value is an object is a document: it becomes its JSON.
    pub attributes: Value,
    /// Its identifier where it exists already.
    pub import: Option<String>,
    /// What of a thing that exists the studio may have set, and that stays.
    pub ignore: &'static [&'static str],
}

impl Node {
    pub fn new(kind: &'static str, properties: Value) -> Self {
        Self {
            kind,
            properties,
            outputs: &[],
            import: None,
            hashicorp: None,
        }
    }

    #[must_use]
    pub fn outputs(mut self, outputs: &'static [(&'static str, &'static str)]) -> Self {
        self.outputs = outputs;
        self
    }

    #[must_use]
    pub fn import(mut self, id: impl Into<String>) -> Self {
        self.import = Some(id.into());
        self
    }

    #[must_use]
    pub fn hashicorp(mut self, kind: &'static str, attributes: Value) -> Self {
        self.hashicorp = Some(Hashicorp {
            kind,
            attributes,
            import: None,
            ignore: &[],
        });
        self
    }

    /// Does it exist before the change?
    pub fn exists(&self) -> bool {
        let own = self.hashicorp.as_ref();
        self.import.is_some() || own.is_some_and(|h| h.import.is_some())
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum AsCode {
    /// Boxed: most of what is handed around is small.
    Calls(Box<Calls>),
    /// No code makes it: what a person does, and why.
    ByHand(Printable),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Calls {
    pub call: Call,
    pub guard: Option<Guard>,
    pub waits: Vec<Wait>,
    /// What later changes take from the answer: the output, and where it is as JMESPath.
    pub learns: &'static [(&'static str, &'static str)],
    /// Where the call goes, where that is not the plan's region.
    pub region: Option<String>,
    pub node: Option<Node>,
}

impl From<Call> for AsCode {
    fn from(call: Call) -> Self {
        Self::Calls(Box::new(Calls {
            call,
            guard: None,
            waits: Vec::new(),
            learns: &[],
            region: None,
            node: None,
        }))
    }
}

impl AsCode {
    pub fn by_hand(words: impl Into<Printable>) -> Self {
        Self::ByHand(words.into())
    }

    fn with(mut self, set: impl FnOnce(&mut Calls)) -> Self {
        if let Self::Calls(calls) = &mut self {
            set(calls);
        }
        self
    }

    #[must_use]
    pub fn guard(self, call: Call, query: impl Into<String>, is: impl Into<Value>) -> Self {
        let (query, is) = (query.into(), is.into());
        self.with(|c| c.guard = Some(Guard { call, query, is }))
    }

    #[must_use]
    pub fn wait(
        self,
        call: Call,
        query: impl Into<String>,
        ready: &'static [&'static str],
        coming: &'static [&'static str],
    ) -> Self {
        let query = query.into();
        self.with(|c| {
            c.waits.push(Wait {
                call,
                query,
                ready,
                coming,
            });
        })
    }

    #[must_use]
    pub fn learns(self, outputs: &'static [(&'static str, &'static str)]) -> Self {
        self.with(|c| c.learns = outputs)
    }

    #[must_use]
    pub fn in_region(self, region: Option<String>) -> Self {
        self.with(|c| c.region = region)
    }

    #[must_use]
    pub fn node(self, node: Node) -> Self {
        self.with(|c| c.node = Some(node))
    }
}

/// A text as JMESPath writes it raw: in a query.
pub(super) fn raw(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"))
}

/// Tags as CloudFormation, IAM and Secrets Manager take them.
pub(super) fn tags(tags: &[(String, String)]) -> Vec<Value> {
    let each = tags.iter();
    each.map(|(k, v)| json!({ "Key": k, "Value": v })).collect()
}

/// Tags as a map.
pub(super) fn tag_map(tags: &[(String, String)]) -> Value {
    let each = tags.iter().map(|(k, v)| (k.clone(), json!(v)));
    Value::Object(each.collect())
}

/// Without the members that are empty, which would be sent as if somebody had chosen them.
pub(super) fn chosen(mut value: Value) -> Value {
    if let Some(object) = value.as_object_mut() {
        object.retain(|_, v| {
            let empty = v.is_null()
                || v.as_array().is_some_and(Vec::is_empty)
                || v.as_object().is_some_and(serde_json::Map::is_empty);
            !empty
        });
    }
    value
}
