//! Just enough HTML to use a page as a person does: its words, its forms, its buttons.

use url::Url;

/// A page as it was answered.
#[derive(Clone, Debug)]
pub struct Page {
    /// Where it was found after all redirects.
    pub url: Url,
    /// The HTTP status.
    pub status: u16,
    /// The source.
    pub html: String,
    /// Does it forbid naming itself to others? Browsers then send `Origin: null` with its forms.
    pub no_referrer: bool,
    /// Does it load itself again after a while?
    pub waits: bool,
}

/// A form on a page.
#[derive(Clone, Debug, Default)]
pub struct Form {
    /// Where it is sent, relative to the page.
    pub action: String,
    /// `get` or `post`.
    pub method: String,
    /// The fields with their initial values, in order; check boxes only when checked.
    pub fields: Vec<(String, String)>,
    /// The submit buttons: label, and the name and value they add.
    pub buttons: Vec<(String, Option<(String, String)>)>,
    /// The name of the password field.
    pub password: Option<String>,
}

impl Page {
    /// The words on the page, one space between them, without tags.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut hidden = false;
        for token in tokens(&self.html) {
            match token {
                Token::Open(tag) => {
                    hidden = matches!(tag.name.as_str(), "style" | "script" | "title");
                    text.push(' ');
                }
                Token::Close(_) => hidden = false,
                Token::Text(words) if !hidden => text.push_str(&decode(words)),
                Token::Text(_) => {}
            }
        }
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The forms, in order.
    pub fn forms(&self) -> Vec<Form> {
        let mut forms: Vec<Form> = Vec::new();
        let mut inside = false;
        let mut button = None;
        for token in tokens(&self.html) {
            match token {
                Token::Open(tag) if tag.name == "form" => {
                    let method = tag.value("method").unwrap_or_else(|| "get".into()).to_lowercase();
                    forms.push(Form { action: tag.value("action").unwrap_or_default(), method, ..Form::default() });
                    inside = true;
                }
                Token::Close("form") => inside = false,
                Token::Open(tag) if inside && tag.name == "button" => button = Some((tag, String::new())),
                Token::Text(words) => {
                    if let Some((_, label)) = &mut button {
                        label.push_str(&decode(words));
                    }
                }
                Token::Close("button") => {
                    if let (Some((tag, label)), Some(form)) = (button.take(), forms.last_mut()) {
                        form.button(&tag, label.trim().to_owned());
                    }
                }
                Token::Open(tag) if inside && tag.name == "option" => {
                    if let Some(form) = forms.last_mut() {
                        form.option(&tag);
                    }
                }
                Token::Open(tag) if inside && matches!(tag.name.as_str(), "input" | "textarea" | "select") => {
                    if let Some(form) = forms.last_mut() {
                        form.field(&tag);
                    }
                }
                _ => {}
            }
        }
        forms
    }

    /// The form that has a button whose label begins with `label`.
    pub fn form_with(&self, label: &str) -> Option<Form> {
        self.forms().into_iter().find(|form| form.buttons.iter().any(|(shown, _)| shown.starts_with(label)))
    }

    /// The form that asks for a password.
    pub fn login_form(&self) -> Option<Form> {
        self.forms().into_iter().find(|form| form.password.is_some())
    }

    /// The targets of the links whose address contains `part`, in order.
    pub fn links(&self, part: &str) -> Vec<String> {
        let anchors = tokens(&self.html).filter_map(|token| match token {
            Token::Open(tag) if tag.name == "a" => tag.value("href"),
            _ => None,
        });
        anchors.filter(|href| href.contains(part)).collect()
    }
}

impl Form {
    /// Writes `value` into a field.
    ///
    /// # Panics
    /// When the form has no such field: the page is not what the test believes.
    pub fn fill(&mut self, name: &str, value: &str) {
        let field = self.fields.iter_mut().find(|(known, _)| known == name);
        field.unwrap_or_else(|| panic!("no field `{name}` in the form")).1 = value.to_owned();
    }

    /// What a browser sends when the button that begins with `label` is pressed.
    ///
    /// # Panics
    /// When the form has no such button.
    pub fn pressed(&self, label: &str) -> Vec<(String, String)> {
        let button = self.buttons.iter().find(|(shown, _)| shown.starts_with(label));
        let (_, adds) = button.unwrap_or_else(|| panic!("no button `{label}` in {:?}", self.buttons));
        self.fields.iter().cloned().chain(adds.clone()).collect()
    }

    fn field(&mut self, tag: &Tag) {
        let kind = tag.value("type").unwrap_or_else(|| "text".into());
        let Some(name) = tag.value("name") else {
            if kind == "submit" {
                self.button(tag, tag.value("value").unwrap_or_default());
            }
            return;
        };
        match kind.as_str() {
            "submit" => self.button(tag, tag.value("value").unwrap_or_default()),
            "checkbox" | "radio" if !tag.has("checked") => {}
            _ => {
                if kind == "password" {
                    self.password = Some(name.clone());
                }
                // A browser sends no form in which that is empty, so a person writes something.
                let must_be_said = kind == "text" && tag.has("required");
                let empty = if must_be_said { "what a test needs" } else { "" };
                let value = tag.value("value").filter(|value| !value.is_empty());
                self.fields.push((name, value.unwrap_or_else(|| empty.to_owned())));
            }
        }
    }

    /// An option belongs to the field before it; the first one, or the selected one, is its value.
    fn option(&mut self, tag: &Tag) {
        if let Some((_, value)) = self.fields.last_mut()
            && (value.is_empty() || tag.has("selected"))
        {
            *value = tag.value("value").unwrap_or_default();
        }
    }

    fn button(&mut self, tag: &Tag, label: String) {
        let adds = tag.value("name").map(|name| (name, tag.value("value").unwrap_or_default()));
        self.buttons.push((label, adds));
    }
}

enum Token<'a> {
    Open(Tag),
    Close(&'a str),
    Text(&'a str),
}

struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
}

impl Tag {
    fn value(&self, name: &str) -> Option<String> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| decode(value))
    }

    fn has(&self, name: &str) -> bool {
        self.attributes.iter().any(|(known, _)| known == name)
    }
}

fn tokens(html: &str) -> impl Iterator<Item = Token<'_>> {
    let mut rest = html;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if !rest.starts_with('<') {
            let (text, after) = rest.split_at(rest.find('<').unwrap_or(rest.len()));
            rest = after;
            return Some(Token::Text(text));
        }
        let end = end_of_tag(rest);
        let inner = rest[1..end].trim_end_matches('>').trim_end_matches('/');
        rest = &rest[end..];
        Some(match inner.strip_prefix('/') {
            Some(name) => Token::Close(name.trim()),
            None => Token::Open(tag(inner)),
        })
    })
}

/// One past the `>` that ends the tag; a `>` in a quoted value does not.
fn end_of_tag(rest: &str) -> usize {
    if rest.starts_with("<!--") {
        return rest.find("-->").map_or(rest.len(), |at| at + 3);
    }
    let mut quote = None;
    for (at, letter) in rest.char_indices() {
        match (quote, letter) {
            (None, '>') => return at + 1,
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            _ => {}
        }
    }
    rest.len()
}

fn tag(inner: &str) -> Tag {
    let (name, mut rest) = inner.split_at(inner.find(char::is_whitespace).unwrap_or(inner.len()));
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return Tag { name: name.to_lowercase(), attributes };
        }
        let end = rest.find(|letter: char| letter == '=' || letter.is_whitespace()).unwrap_or(rest.len());
        let key = rest[..end].to_lowercase();
        rest = rest[end..].trim_start();
        let mut value = "";
        if let Some(after) = rest.strip_prefix('=') {
            let after = after.trim_start();
            let quote = after.chars().next().filter(|letter| matches!(letter, '"' | '\''));
            let body = quote.map_or(after, |_| &after[1..]);
            let end = match quote {
                Some(quote) => body.find(quote),
                None => body.find(char::is_whitespace),
            };
            let end = end.unwrap_or(body.len());
            value = &body[..end];
            rest = &body[(end + usize::from(quote.is_some())).min(body.len())..];
        }
        attributes.push((key, value.to_owned()));
    }
}

fn decode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let decoded = rest.find(';').filter(|end| *end < 10).and_then(|end| Some((entity(&rest[1..end])?, end)));
        match decoded {
            Some((letter, end)) => {
                out.push(letter);
                rest = &rest[end + 1..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(html: &str) -> Page {
        let url = Url::parse("http://localhost/").unwrap();
        Page { url, status: 200, html: html.into(), no_referrer: false, waits: false }
    }

    #[test]
    fn a_form_is_read_with_its_values_and_buttons() {
        let page = page(
            r#"<form action="/login" method="post"><input type=hidden name="t" value="a&amp;&#34;b">
               <input name=username><input type="password" name="password">
               <select name="lasts"><option value="300">5m</option><option value="60">1m</option></select>
               <button name="go" value="1">Log <b>in</b></button></form>"#,
        );
        let mut form = page.login_form().unwrap();
        form.fill("username", "ada");
        assert_eq!(form.action, "/login");
        assert_eq!(form.password.as_deref(), Some("password"));
        let sent = form.pressed("Log in");
        let pairs: Vec<_> = sent.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(pairs, ["t=a&\"b", "username=ada", "password=", "lasts=300", "go=1"]);
    }

    #[test]
    fn the_words_of_a_page_leave_out_what_nobody_sees() {
        assert_eq!(page("<style>p{}</style><h1>Hi  you</h1><p>a &lt; b</p><!-- x > y -->").text(), "Hi you a < b");
    }
}
