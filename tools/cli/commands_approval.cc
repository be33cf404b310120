// What one operator proposes and another one approves, and how the rebalancer tells them apart.
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <unistd.h>

#include "common/base/hex.h"
#include "common/model/control.h"
#include "common/model/text.h"
#include "common/token/token.h"
#include "tools/cli/commands.h"
#include "tools/cli/estimate.h"
#include "tools/cli/text.h"

namespace evenkeel::cli {
namespace {

std::string hex_of(const std::string& raw) {
  return to_hex({reinterpret_cast<const std::uint8_t*>(raw.data()), raw.size()});
}

std::string name_of(const ProposalTold& told) {
  return to_string(told.proposal) + ", '" + told.what + "'";
}

/// What it takes and endangers, as a sentence; empty if nothing is known of it.
std::string certificate(const ProposalTold& told) {
  std::string words = cost(told.estimate);
  if (is_impossible(told.estimate)) words = "cannot be brought to its end, and is forced";
  if (told.at_risk > 0) {
    words += (words.empty() ? "" : "; ") + count_of(told.at_risk, "chunk") + " at risk";
  }
  return words;
}

void print_json(const ProposalTold& told) {
  Fields fields{{"proposal_id", static_cast<std::int64_t>(told.proposal.value())},
                {"state", std::string(to_text(told.state))},
                {"what", told.what},
                {"proposed_by", told.proposed_by}};
  if (!told.decided_by.empty()) fields.emplace_back("decided_by", told.decided_by);
  if (told.expires_in) fields.emplace_back("expires_left_ms", told.expires_in->count());
  fields.emplace_back("chunks_at_risk", static_cast<std::int64_t>(told.at_risk));
  add_estimate(fields, told.estimate);
  std::fputs(json(fields).c_str(), stdout);
}

Exit tell(const Options& options, const ProposalTold& told, const std::string& what_became) {
  if (options.json) {
    print_json(told);
    return Exit::kOk;
  }
  const std::string takes = certificate(told);
  std::printf("%s, proposed by %s: %s%s%s\n", printable(name_of(told)).c_str(),
              printable(told.proposed_by).c_str(), what_became.c_str(), takes.empty() ? "" : "; ",
              takes.c_str());
  return Exit::kOk;
}

/// A new file that nobody else can read, with this in it.
Result<void> keep_secret(const std::string& path, const std::string& text) {
  const auto fault = [&] { return fail(ErrorCode::kDenied, path + ": " + std::strerror(errno)); };
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return fault();
  const auto wanted = static_cast<ssize_t>(text.size());
  const bool written = ::write(fd, text.data(), text.size()) == wanted && ::fsync(fd) == 0;
  if (!written) {
    const auto why = fault();
    ::close(fd);
    ::unlink(path.c_str());
    return why;
  }
  ::close(fd);
  return {};
}

}  // namespace

Exit left_to_another(const Options& options, const ProposalTold& told) {
  if (options.json) {
    print_json(told);
    return Exit::kProposed;
  }
  const std::string takes = certificate(told);
  std::printf("%s, proposed by %s, wants another person: evenkeel approve %s%s%s%s\n",
              printable(name_of(told)).c_str(), printable(told.proposed_by).c_str(),
              to_string(told.proposal).c_str(),
              told.expires_in ? (", within " + duration_text(*told.expires_in)).c_str() : "",
              takes.empty() ? "" : "; ", takes.c_str());
  return Exit::kProposed;
}

Exit approve(const Options& options, const ApprovalWish& wish) {
  Session session(options);
  const std::string words = "approve " + to_string(wish.proposal);
  const auto ask = [&](bool dry_run) {
    return session.ask<ProposalTold>(ApproveProposal{wish.proposal, dry_run});
  };
  if (wish.dry_run || !wish.yes) {
    const auto dry = ask(true);
    if (!dry) return error(words + ": " + dry.error().what);
    if (dry->state == ProposalState::kApproved) {
      return tell(options, *dry, "approved by " + printable(dry->decided_by) + " already");
    }
    if (wish.dry_run) return tell(options, *dry, "can be approved; nothing was done");
    const std::string takes = certificate(*dry);
    const auto may =
        agreed(false, words,
               printable(name_of(*dry)) + ", proposed by " + printable(dry->proposed_by) +
                   (takes.empty() ? "" : ": " + takes) + ". Have it done?");
    if (!may) return error(may.error().what);
  }
  const auto answer = ask(false);
  if (!answer) return error(words + ": " + answer.error().what);
  return tell(options, *answer, "approved by " + printable(answer->decided_by) + ", and begun");
}

Exit reject(const Options& options, ProposalId proposal) {
  Session session(options);
  const auto answer = session.ask<ProposalTold>(RejectProposal{proposal});
  if (!answer) return error("reject " + to_string(proposal) + ": " + answer.error().what);
  return tell(options, *answer, "rejected by " + printable(answer->decided_by));
}

Exit make_token(const Options& options, const std::string& name, const std::string& path) {
  const std::string token = random_bytes(32);
  if (const auto kept = keep_secret(path, hex_of(token) + "\n"); !kept) {
    return error("token: " + kept.error().what);
  }
  const std::string digest = hex_of(sha256(token));
  if (options.json) {
    std::fputs(json(Fields{{"operator", name}, {"file", path}, {"digest", digest}}).c_str(),
               stdout);
  } else {
    std::printf("%s = \"%s\"\n", name.c_str(), digest.c_str());
    std::fprintf(stderr,
                 "evenkeel: the token is in %s; the line above goes below [operators] in the "
                 "rebalancer's settings\n",
                 printable(path).c_str());
  }
  return Exit::kOk;
}

}  // namespace evenkeel::cli
