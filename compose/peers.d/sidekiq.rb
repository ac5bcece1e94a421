# Sidekiq's programs, as in queues.py: `sidekiq -r` makes of this the worker, ruby fill or produce.
require "sidekiq"
Redis.silence_deprecations = true if defined?(Redis.silence_deprecations) # written for every call

class Nothing
  include Sidekiq::Worker
  def perform(payload) = nil
end

def enqueue(count) = Sidekiq::Client.push_bulk("class" => Nothing, "args" => [["x" * 1000]] * count)

if Sidekiq.server?
  Sidekiq.logger.level = Logger::WARN # otherwise two lines for every job
  Sidekiq.configure_server { |config| config.on(:startup) { $stdout.syswrite("ready\n") } }
elsif ARGV[0] == "fill"
  ARGV[1].to_i.step(1, -1000) { |left| enqueue([left, 1000].min) }
else
  $stdout.syswrite("ready\n")
  count, callers = ARGV[1, 2].map(&:to_i)
  Sidekiq.configure_client { |config| config.redis = { size: callers } }
  callers.times.map { Thread.new { loop { enqueue(count) } } }.each(&:join)
end
