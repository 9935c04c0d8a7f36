//! Shows the problems of a YAML file. The crate `sweeps` renders their text, and this module
//! colours it.

use sweeps::{
    config::{self, Config, Problem, Severity},
    search,
    space::Distribution,
};
use terminal::{
    sanitise,
    style::{self, Style, paint},
};

use super::count;
use crate::source::Source;

/// Returns a problem with its line and caret.
pub(crate) fn render(problem: &Problem, source: &Source) -> String {
    let style = match problem.severity {
        Severity::Error => style::ERROR,
        Severity::Warning => style::WARNING,
    };
    let text = config::render(problem, &source.text, &source.name);
    let lines =
        text.lines().enumerate().map(|(number, line)| colour(&sanitise(line), number == 0, style));
    // A blank line separates consecutive problems.
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

fn colour(line: &str, first: bool, style: Style) -> String {
    if first && let Some((severity, message)) = line.split_once(':') {
        return format!(
            "{}{}",
            paint(style, format!("{severity}:")),
            paint(style::STRONG, message)
        );
    }
    if line.trim_start().starts_with("-->") {
        return paint(style::FAINT, line);
    }
    if let Some((before, hint)) = line.split_once("hint:")
        && before.trim_matches([' ', '=', '|']).is_empty()
    {
        return format!("{}{}{hint}", paint(style::FAINT, before), paint(style::HINT, "hint:"));
    }
    match line.split_once('|') {
        Some((gutter, code)) if gutter.trim().chars().all(|letter| letter.is_ascii_digit()) => {
            let carets = !code.trim().is_empty() && code.trim().chars().all(|letter| letter == '^');
            let code = if carets { paint(style, code) } else { code.to_owned() };
            format!("{}{code}", paint(style::FAINT, format!("{gutter}|")))
        }
        _ => line.to_owned(),
    }
}

/// Returns the sentence about a file without errors: the method, the number of parameters that
/// vary, and the bound on the trials.
pub(crate) fn good(name: &str, config: &Config) -> String {
    let fixed = |distribution: &Distribution| matches!(distribution, Distribution::Constant(_));
    let searched =
        config.space.parameters.iter().filter(|parameter| !fixed(&parameter.distribution)).count();
    let bound =
        [search::bound(config.method, &config.space), config.run_cap].into_iter().flatten().min();
    let trials = match bound {
        Some(bound) => format!("at most {}", count(bound, "trial")),
        None => "no bound on its trials (`run_cap` sets one)".to_owned(),
    };
    let method = format!("{:?}", config.method).to_lowercase();
    let parameters = count(searched as u64, "parameter");
    let pruning =
        config.early_terminate.as_ref().map(|rule| format!("\n{rule}")).unwrap_or_default();
    let points = match config.points.len() {
        0 => String::new(),
        points => format!(", {} first", count(points as u64, "given point")),
    };
    format!(
        "`{name}` is {}: {method} over {parameters}{points}, {trials}{pruning}",
        paint(style::GOOD, "good")
    )
}
