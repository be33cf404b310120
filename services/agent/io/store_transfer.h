#pragma once
#include "services/agent/io/connection.h"
#include "services/agent/store/aside_file.h"

namespace evenkeel::agent {

/// A chunk that a client stores here. The same way as a copy: aside, every block matched, synced,
/// renamed, journalled; only then is the client told, with a receipt that the rebalancer believes.
class StoreTransfer final : public Transfer, public std::enable_shared_from_this<StoreTransfer> {
 public:
  StoreTransfer(Connection& connection, std::uint64_t id, const TransferStore& store);
  ~StoreTransfer() override;
  void start();
  void on_read(const TransferRead& read) override;
  void on_data(std::uint64_t offset, Buffer&& bytes) override;
  void on_room() override {}

 private:
  void have_file(const std::shared_ptr<const AsideFile>& file,
                 const std::optional<DiskFault>& fault);
  void write(std::uint64_t offset, Buffer&& bytes);
  void written(std::size_t count, const std::optional<DiskFault>& fault);
  void complete();
  void place();
  void placed(const Effect::Ended& ended);
  void already_here();
  void fail(const DiskFault& fault);
  void count_unwritten(std::int64_t more);

  Connection& connection_;
  const std::uint64_t id_;
  const ChunkContent content_;
  const std::shared_ptr<const Manifest> manifest_;
  std::unique_ptr<Storage::Hold> hold_;
  std::filesystem::path aside_;
  std::shared_ptr<const AsideFile> file_;
  std::vector<std::pair<std::uint64_t, Buffer>> early_;  // came before the file was there
  std::uint64_t next_ = 0;                               // offset of the bytes to come
  std::uint64_t written_ = 0;
  std::int64_t unwritten_ = 0;  // what the connection counts for us
  bool matches_ = false;        // the manifest adds up to the checksum that the token bears
  bool here_ = false;           // what is stored is here already: its bytes are let go by
  bool handed_on_ = false;      // the file is the committer's now
  Work work_;
};

}  // namespace evenkeel::agent
