#include "common/program/program.h"

#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>

#include <CLI/CLI.hpp>

namespace evenkeel {
namespace {

int code(Exit exit) {
  return static_cast<int>(exit);
}

}  // namespace

int run_program(int argc, char** argv, const Program& program,
                const std::function<Result<Exit>(config::Reader&)>& body) {
  CLI::App app(program.purpose, program.name);
  std::optional<std::filesystem::path> file;
  std::vector<std::string> overrides;
  app.add_option("--config", file,
                 "Settings file (TOML); " + program.settings + " explains every setting");
  app.add_option("--set", overrides, "A setting over those of the file; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  app.set_version_flag("--version", program.name + " " + program.version);
  CLI11_PARSE(app, argc, argv);

  try {
    auto reader = file ? config::Reader(*file, overrides)
                       : config::Reader::of_text("settings", "", overrides);
    const auto ended = body(reader);
    if (ended) return code(*ended);
    std::fprintf(stderr, "%s\n", ended.error().what.c_str());
    return code(Exit::kBadSettings);
  } catch (const std::exception& error) {
    log::error("failed", {{"why", error.what()}});
    return code(Exit::kFailed);
  }
}

log::Settings read_log_settings(config::Reader& reader) {
  log::Settings settings;
  const auto level = log::parse_level(reader.string("log_level", "info"));
  if (!level) reader.fault("log_level", "must be debug, info, warn or error");
  settings.level = level.value_or(log::Level::kInfo);
  settings.format = reader.boolean("log_json", false) ? log::Format::kJson : log::Format::kText;
  return settings;
}

std::string read_metrics_listen(config::Reader& reader) {
  const bool off = reader.string("metrics_listen", "").empty();
  return off ? std::string() : reader.host_port("metrics_listen");
}

}  // namespace evenkeel
