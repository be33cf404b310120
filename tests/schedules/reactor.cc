// Timers, work and streams of a simulated world.
#include <unistd.h>

#include <algorithm>

#include "common/base/check.h"
#include "common/reactor/loop.h"
#include "common/reactor/tcp.h"
#include "common/reactor/work.h"
#include "tests/schedules/network.h"

namespace evenkeel {

using schedules::kMs;
using schedules::Nanos;
using schedules::World;

namespace {

Nanos nanos(Duration time) {
  return time.count() * kMs;
}

}  // namespace

// --------------------------------------------------------------------------------------- Timer

Timer::Timer(Loop& loop, std::function<void()> on_fire)
    : state_(std::make_shared<State>(State{&loop.world(), loop.run(), std::move(on_fire)})) {}

void Timer::start(Duration after, Duration then_every) {
  ++state_->number;
  state_->running = true;
  state_->every = then_every;
  wait(state_, nanos(after));
}

void Timer::stop() {
  ++state_->number;
  state_->running = false;
}

void Timer::wait(const std::shared_ptr<State>& state, Nanos how_long) {
  state->world->after(how_long, state->run, [weak = std::weak_ptr(state), n = state->number] {
    const auto fired = weak.lock();
    if (!fired || fired->number != n) return;
    fired->running = fired->every > Duration::zero();
    if (fired->running) wait(fired, std::max(nanos(fired->every), fired->run->tick_at_least));
    const auto on_fire = fired->on_fire;  // which may destroy the timer
    on_fire();
  });
}

// ---------------------------------------------------------------------------------------- Work

/// Begins after a while and takes a while: what runs on other threads may interleave in any way.
void Work::run(std::function<void()> work, std::function<void()> done) {
  World& world = loop_->world();
  const auto owner = loop_->run();
  ++state_->in_progress;
  const auto some = [&world] {
    return static_cast<Nanos>(world.rng().below(static_cast<std::uint64_t>(2 * kMs)));
  };
  const Nanos stalled = world.disk_stalled_until[owner->machine];
  const Nanos begins = std::max(world.now(), stalled) + some();
  if (stalled > world.now()) world.fire("disk stalled");
  world.at(begins, owner,
           [&world, owner, some, weak = std::weak_ptr(state_), work = std::move(work),
            done = std::move(done)] {
             if (weak.expired()) return;
             work();
             world.after(some(), owner, [weak, done] {
               const auto state = weak.lock();
               if (!state) return;
               --state->in_progress;
               done();
             });
           });
}

// ----------------------------------------------------------------------------------------- Tcp

struct TcpStream::End : std::enable_shared_from_this<End> {
  schedules::Network* network = nullptr;
  World* world = nullptr;
  std::shared_ptr<schedules::Run> run = nullptr;
  Rng rng{0};
  Handlers handlers = {};
  std::weak_ptr<End> other = {};
  std::string other_name = {};
  bool started = false, open = true, connected = false, paused = false, told = false;
  std::vector<std::pair<Buffer, std::function<void()>>> before = {};  // written before it stood
  std::vector<Buffer> held = {};                                      // came before it was wanted
  std::size_t queued = 0;
  Nanos last = 0;

  Nanos takes() {
    const auto& weather = network->weather;
    return weather.shortest + static_cast<Nanos>(rng.below(
                                  static_cast<std::uint64_t>(weather.longest - weather.shortest)));
  }

  /// The end, once.
  void lose(const std::string& why) {
    if (!open || std::exchange(told, true)) return;
    open = false;
    const Handlers last_words = std::exchange(handlers, {});
    if (last_words.on_close) last_words.on_close(why);
  }
  void leave() {
    if (!std::exchange(open, false)) return;
    const Handlers silent = std::exchange(handlers, {});
    if (const auto peer = other.lock()) {
      world->at(std::max(world->now() + takes(), last + 1), peer->run, [peer] { peer->lose(""); });
    }
  }

  void send(Buffer bytes, std::function<void()> on_written) {
    if (!open) return;
    if (!connected) {
      queued += bytes.size();
      before.emplace_back(std::move(bytes), std::move(on_written));
      return;
    }
    const auto peer = other.lock();
    if (!peer) return;
    if (network->is_cut(run->machine, peer->run->machine)) {
      world->fire("connection broken");
      world->after(takes(), run, [self = shared_from_this()] { self->lose("reset"); });
      world->after(takes(), peer->run, [peer] { peer->lose("reset"); });
      return;
    }
    const std::size_t size = bytes.size();
    queued += size;
    last = std::max(world->now() + takes(), last + 1);
    world->at(last, peer->run, [peer, bytes = std::move(bytes)] { peer->receive(bytes); });
    world->at(last, run, [self = shared_from_this(), size, on_written = std::move(on_written)] {
      self->queued -= size;
      if (self->open && on_written) on_written();
    });
  }
  void receive(const Buffer& bytes) {
    if (!open) return;
    if (paused || !started) {
      held.push_back(bytes);
      return;
    }
    world->note({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    const auto on_data = handlers.on_data;
    if (on_data) on_data(bytes);
  }
  void let_go() {
    while (open && started && !paused && !held.empty()) {
      const Buffer bytes = std::move(held.front());
      held.erase(held.begin());
      receive(bytes);
    }
  }
};

struct TcpListener::State {
  std::shared_ptr<schedules::Run> run;
  Settings settings;
  OnAccept on_accept;
};

namespace {

// Streams know only their loop, and a loop not its network: there is one.
schedules::Network* the_network = nullptr;

std::shared_ptr<TcpStream::End> new_end(Loop& loop) {
  EK_CHECK(the_network != nullptr);
  auto end = std::make_shared<TcpStream::End>();
  end->network = the_network;
  end->world = &loop.world();
  end->run = loop.run();
  end->rng = loop.world().stream("stream", the_network->next_number());
  return end;
}

}  // namespace

namespace schedules {
void use_for_streams(Network* network) {
  the_network = network;
}
}  // namespace schedules

std::unique_ptr<TcpStream> TcpStream::connect(Loop& loop, const std::string& host_port,
                                              Handlers handlers) {
  const auto end = new_end(loop);
  end->handlers = std::move(handlers);
  end->other_name = host_port;
  end->started = true;
  World& world = loop.world();
  const std::string machine = host_port.substr(0, host_port.find(':'));
  const auto refuse = [&world, end](const std::string& why) {
    world.after(end->takes(), end->run, [end, why] { end->lose(why); });
  };
  world.after(end->takes(), end->run, [end, host_port, machine, refuse, &world] {
    if (!end->open) return;
    const auto listener = end->network->listener_at(host_port);
    const bool cut = end->network->is_cut(end->run->machine, machine) ||
                     end->network->is_cut(machine, end->run->machine);
    if (!listener || listener->run->over || cut) return refuse("refused");
    const auto far = std::make_shared<End>();
    far->network = end->network;
    far->world = end->world;
    far->run = listener->run;
    far->rng = world.stream("stream", end->network->next_number());
    far->connected = true;
    far->other = end;
    far->other_name = end->run->machine + ":1";
    end->other = far;
    end->connected = true;
    // Who dies before it accepts leaves that to the kernel, which says so.
    world.after(end->takes(), nullptr, [weak = std::weak_ptr(listener), far] {
      const auto accepting = weak.lock();
      if (!accepting || accepting->run->over) return far->leave();
      far->world->after(0, accepting->run, [weak, far] {
        const auto still = weak.lock();
        if (still) still->on_accept(std::make_unique<TcpStream>(far));
      });
    });
    // What was written before comes after it was accepted: it takes the same way.
    end->last = world.now() + 2 * end->network->weather.longest;
    end->queued = 0;
    for (auto& [bytes, on_written] : std::exchange(end->before, {})) {
      end->send(std::move(bytes), std::move(on_written));
    }
    const auto on_connected = end->handlers.on_connected;
    if (on_connected) on_connected();
  });
  return std::make_unique<TcpStream>(end);
}

TcpStream::~TcpStream() {
  end_->leave();
}

void TcpStream::start(Handlers handlers) {
  end_->handlers = std::move(handlers);
  end_->started = true;
  end_->world->after(0, end_->run, [end = end_] { end->let_go(); });
}

void TcpStream::write(Buffer bytes, std::function<void()> on_written) {
  end_->send(std::move(bytes), std::move(on_written));
}

void TcpStream::write_file(Buffer head, FilePiece piece, std::function<void()> on_written) {
  Buffer bytes(head.size() + piece.length);
  std::copy(head.begin(), head.end(), bytes.begin());
  const ssize_t got = ::pread(piece.descriptor, bytes.data() + head.size(), piece.length,
                              static_cast<off_t>(piece.offset));
  if (got != static_cast<ssize_t>(piece.length)) {
    const auto end = end_;
    end->world->after(end->takes(), end->run, [end] { end->lose("the file is short"); });
    if (const auto peer = end->other.lock()) {
      end->world->after(end->takes(), peer->run, [peer] { peer->lose("reset"); });
    }
    return;
  }
  end_->send(std::move(bytes), std::move(on_written));
}

std::size_t TcpStream::queued_bytes() const {
  return end_->queued;
}

void TcpStream::pause() {
  end_->paused = true;
}

void TcpStream::resume() {
  end_->paused = false;
  end_->world->after(0, end_->run, [end = end_] { end->let_go(); });
}

void TcpStream::close_when_written() {
  end_->world->at(end_->last + 1, end_->run, [end = end_] { end->leave(); });
}

std::string TcpStream::peer() const {
  return end_->other_name;
}

TcpListener::TcpListener(Loop& loop, const Settings& settings, OnAccept on_accept)
    : state_(std::make_shared<State>(State{loop.run(), settings, std::move(on_accept)})) {
  EK_CHECK(the_network != nullptr);
  the_network->listen(settings.host_port, state_);
}

TcpListener::~TcpListener() = default;

std::uint16_t TcpListener::port() const {
  const std::string& text = state_->settings.host_port;
  return static_cast<std::uint16_t>(std::stoi(text.substr(text.rfind(':') + 1)));
}

}  // namespace evenkeel
