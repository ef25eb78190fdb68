//! A doorway: arguments in, exit code out.

fn main() -> std::process::ExitCode {
    studiolink::cli::main().into()
}
