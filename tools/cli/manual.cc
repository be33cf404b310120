#include "tools/cli/manual.h"

#include <algorithm>
#include <sstream>

namespace evenkeel::cli {
namespace {

using Options = std::vector<const CLI::Option*>;
using Apps = std::vector<const CLI::App*>;

/// Those that the help lists too: an empty group hides.
Apps commands_of(const CLI::App& app) {
  Apps all;
  for (const CLI::App* each : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (!each->get_group().empty()) all.push_back(each);
  }
  return all;
}

const CLI::App* command_of(const CLI::App& app, const std::string& name) {
  for (const CLI::App* each : commands_of(app)) {
    if (each->get_name() == name) return each;
  }
  return nullptr;
}

bool is_argument(const CLI::Option& option) {
  return option.get_positional();
}
bool takes_value(const CLI::Option& option) {
  return option.get_items_expected_max() > 0;
}

Options options_of(const CLI::App& app) {
  return app.get_options([](const CLI::Option* each) { return !each->get_group().empty(); });
}

/// The words of a type such as "TEXT:{lost,at_risk}"; of what a transformer takes, only that.
std::vector<std::string> choices_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const auto begin = type.find('{'), end = type.find('}');
  std::vector<std::string> all;
  if (begin == type.npos || end == type.npos) return all;
  std::istringstream words(type.substr(begin + 1, end - begin - 1));
  for (std::string word; std::getline(words, word, ',');) {
    all.push_back(word.substr(0, word.find("->")));
  }
  return all;
}

/// "{lost,at_risk}" or "TEXT"; empty for what takes no value.
std::string value_of(const CLI::Option& option) {
  if (!takes_value(option)) return "";
  std::string value;
  for (const std::string& word : choices_of(option)) value += (value.empty() ? "{" : ",") + word;
  if (!value.empty()) return value + "}";
  const std::string type = option.get_type_name();
  return type.substr(0, type.find(':'));
}

/// "-o,--output", or "SERVER".
std::string names_of(const CLI::Option& option) {
  return is_argument(option) ? option.get_name(true) : option.get_name(false, true);
}

/// What it means, and what it is if it is not said.
std::string meaning_of(const CLI::Option& option) {
  std::string text = option.get_description();
  if (takes_value(option) && !option.get_default_str().empty()) {
    text += " [" + option.get_default_str() + "]";
  }
  if (!option.get_envname().empty()) text += " (environment: " + option.get_envname() + ")";
  return text;
}

void add_rows(Rows& rows, const CLI::App& app, const std::string& name) {
  rows.rows.push_back({name, std::string(), std::string(), app.get_description()});
  for (const CLI::Option* option : options_of(app)) {
    rows.rows.push_back({name, names_of(*option), value_of(*option), meaning_of(*option)});
  }
  for (const CLI::App* each : commands_of(app)) {
    add_rows(rows, *each, name.empty() ? each->get_name() : name + " " + each->get_name());
  }
}

// The man macros

/// A line that roff shows as it is.
std::string shown(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    if (c == '\\') {
      safe += "\\e";
    } else if (c == '-') {
      safe += "\\-";
    } else {
      safe += c;
    }
  }
  return !safe.empty() && (safe[0] == '.' || safe[0] == '\'') ? "\\&" + safe : safe;
}

std::string bold(const std::string& text) {
  return "\\fB" + shown(text) + "\\fR";
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

std::string title(const std::string& page, const std::string& version) {
  return ".TH " + upper(page) + " 1 \"\" \"evenkeel " + version + "\" \"Evenkeel\"\n";
}

std::string described(const Options& options, bool arguments) {
  std::string text;
  for (const CLI::Option* option : options) {
    if (is_argument(*option) != arguments) continue;
    const std::string value = value_of(*option);
    text += ".TP\n" + bold(names_of(*option)) + (value.empty() ? "" : " " + shown(value)) + "\n" +
            shown(meaning_of(*option)) + "\n";
  }
  return text;
}

/// "evenkeel drain [OPTIONS] SERVER".
std::string synopsis(const CLI::App& app, const std::string& name) {
  std::string text = bold(name) + " [OPTIONS]";
  for (const CLI::Option* option : options_of(app)) {
    if (!is_argument(*option)) continue;
    const std::string word =
        option->get_name(true) + (option->get_items_expected_max() > 1 ? "..." : "");
    text += " " + shown(option->get_required() ? word : "[" + word + "]");
  }
  if (!commands_of(app).empty()) text += " COMMAND";
  return text + "\n";
}

/// What the help ends with: "Heading:" and indented lines below it, or text.
std::string epilogue(const std::string& footer) {
  std::string text;
  bool verbatim = false;
  std::istringstream lines(footer);
  for (std::string line; std::getline(lines, line);) {
    const bool indented = line.starts_with("  ");
    if (verbatim && !indented) {
      text += ".fi\n";
      verbatim = false;
    }
    if (line.empty()) {
      if (!text.empty()) text += ".PP\n";
      continue;
    }
    if (!indented && line.back() == ':') {
      text += ".SH " + upper(line.substr(0, line.size() - 1)) + "\n";
      continue;
    }
    if (indented && !verbatim) {
      text += ".nf\n";
      verbatim = true;
    }
    if (!indented && text.empty()) text += ".SH NOTES\n";
    text += shown(indented ? line.substr(2) : line) + "\n";
  }
  return text + (verbatim ? ".fi\n" : "");
}

std::string section(const std::string& heading, const std::string& body) {
  return body.empty() ? "" : ".SH " + heading + "\n" + body;
}

// Completion

bool begins_with(const std::string& text, const std::string& start) {
  return text.compare(0, start.size(), start) == 0;
}

/// Where a command line has come to with the words before the last.
struct Place {
  const CLI::App* app;
  const CLI::Option* wants = nullptr;  ///< the option whose value comes next
  std::size_t arguments = 0;           ///< that were said so far
};

const CLI::Option* option_of(const CLI::App& root, const CLI::App& app, const std::string& word) {
  for (const CLI::App* each : {&app, &root}) {
    for (const CLI::Option* option : options_of(*each)) {
      if (!is_argument(*option) && option->check_name(word)) return option;
    }
  }
  return nullptr;
}

Place place_after(const CLI::App& root, const std::vector<std::string>& words) {
  Place place{&root};
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    const std::string& word = words[i];
    if (place.wants != nullptr) {
      place.wants = nullptr;
    } else if (word.size() > 1 && word[0] == '-') {
      const CLI::Option* option = option_of(root, *place.app, word);
      if (option != nullptr && takes_value(*option)) place.wants = option;
    } else if (const CLI::App* below = command_of(*place.app, word); below != nullptr) {
      place.app = below;
    } else {
      ++place.arguments;
    }
  }
  return place;
}

const CLI::Option* argument_of(const CLI::App& app, std::size_t number) {
  const CLI::Option* last = nullptr;
  for (const CLI::Option* option : options_of(app)) {
    if (!is_argument(*option)) continue;
    last = option;
    if (number-- == 0) return option;
  }
  return last != nullptr && last->get_items_expected_max() > 1 ? last : nullptr;
}

}  // namespace

Rows command_table(const CLI::App& app) {
  Rows rows{{{"command", "COMMAND", Kind::kText, 9},
             {"option", "OPTION", Kind::kText, 8},
             {"value", "VALUE", Kind::kText, 5},
             {"meaning", "MEANING", Kind::kText, 7}},
            {}};
  add_rows(rows, app, "");
  return rows;
}

std::string man_page(const CLI::App& app, const std::string& command, const std::string& version) {
  const CLI::App* of = command.empty() ? &app : command_of(app, command);
  if (of == nullptr) return "";
  const std::string page = command.empty() ? "evenkeel" : "evenkeel-" + command;
  const std::string words = command.empty() ? "evenkeel" : "evenkeel " + command;
  const Options options = options_of(*of);
  std::string text = title(page, version) +
                     section("NAME", shown(page) + " \\- " + shown(of->get_description()) + "\n");
  std::string lines = synopsis(*of, words), parts;
  for (const CLI::App* each : commands_of(*of)) {
    if (command.empty()) {
      parts += ".TP\n" + bold(each->get_name()) + "\n" + shown(each->get_description()) + "\n";
      continue;
    }
    lines += ".br\n" + synopsis(*each, words + " " + each->get_name());
    parts += ".SS " + shown(each->get_name()) + "\n" + shown(each->get_description()) + "\n" +
             described(options_of(*each), true) + described(options_of(*each), false);
  }
  text += section("SYNOPSIS", lines) + section("COMMANDS", parts) +
          section("ARGUMENTS", described(options, true)) +
          section("OPTIONS", described(options, false));
  if (command.empty()) return text + epilogue(app.get_footer());
  const bool of_its_own = of->get_footer() != kSeeProgram;
  return text + (of_its_own ? epilogue(of->get_footer()) : "") +
         section("SEE ALSO", bold("evenkeel") +
                                 "(1), for options of all commands, environment and "
                                 "exit codes\n");
}

std::vector<std::string> man_pages(const CLI::App& app) {
  std::vector<std::string> names{"evenkeel"};
  for (const CLI::App* each : commands_of(app)) names.push_back("evenkeel-" + each->get_name());
  return names;
}

std::string completion_script(const std::string& shell) {
  if (shell == "bash") {
    return R"(# Completion of evenkeel's words in bash:  . <(evenkeel completion bash)
_evenkeel() {
  local line IFS=$'\n'
  COMPREPLY=()
  for line in $("$1" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null); do
    COMPREPLY+=("${line%%$'\t'*}")
  done
}
complete -o default -F _evenkeel evenkeel
)";
  }
  return R"(#compdef evenkeel
# Completion of evenkeel's words in zsh: as _evenkeel in a folder of $fpath, or
# . <(evenkeel completion zsh)
_evenkeel() {
  local line
  local -a found
  for line in "${(@f)$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -n $line ]] && found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
  done
  if (( $#found )); then _describe 'evenkeel' found; else _files; fi
}
if [[ ${funcstack[1]} == _evenkeel ]]; then _evenkeel "$@"; else compdef _evenkeel evenkeel; fi
)";
}

std::string complete(const CLI::App& app, const std::vector<std::string>& words,
                     const std::function<std::vector<std::string>()>& servers) {
  const std::string begun = words.empty() ? "" : words.back();
  const Place place = place_after(app, words);
  std::string text;
  const auto offer = [&](const std::string& word, const std::string& meaning) {
    if (begins_with(word, begun)) text += word + "\t" + meaning + "\n";
  };
  const auto offer_values = [&](const CLI::Option& option) {
    for (const std::string& word : choices_of(option)) offer(word, option.get_description());
    const bool of_server = option.get_name(true) == "SERVER" || option.check_name("--server");
    if (!of_server) return;
    for (const std::string& server : servers()) offer(server, option.get_description());
  };
  if (place.wants != nullptr) {
    offer_values(*place.wants);
    return text;
  }
  if (begins_with(begun, "-")) {
    Apps of{place.app};
    if (place.app != &app) of.push_back(&app);
    for (const CLI::App* each : of) {
      for (const CLI::Option* option : options_of(*each)) {
        if (is_argument(*option)) continue;
        for (const std::string& name : option->get_lnames()) {
          offer("--" + name, option->get_description());
        }
      }
    }
    std::istringstream lines(text);  // --help is an option of each
    std::vector<std::string> once;
    for (std::string line; std::getline(lines, line);) {
      if (std::ranges::find(once, line) == once.end()) once.push_back(line);
    }
    text.clear();
    for (const std::string& line : once) text += line + "\n";
    return text;
  }
  for (const CLI::App* each : commands_of(*place.app)) {
    offer(each->get_name(), each->get_description());
  }
  if (const CLI::Option* next = argument_of(*place.app, place.arguments)) offer_values(*next);
  return text;
}

}  // namespace evenkeel::cli
