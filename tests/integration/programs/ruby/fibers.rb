# frozen_string_literal: true

# Fibers that wait with data in their frames, others in each request, and a thread. Answers how much of the data is not as it
# was written.

def hold(seed)
  values = Array.new(64) { |at| at * 31 + seed }
  text = values.join(',')
  loop do
    expected = Array.new(64) { |at| at * 31 + seed }
    Fiber.yield((values == expected && text == expected.join(',')) ? 0 : 1)
  end
end

def descend(seed, depth)
  held = "#{seed}-#{depth}" * 50
  Fiber.yield if depth.zero?
  deeper = depth.zero? ? 0 : descend(seed, depth - 1)
  deeper + (held == "#{seed}-#{depth}" * 50 ? 0 : 1)
end

waiting = Array.new(200) { |seed| Fiber.new { hold(seed) } }
waiting.each(&:resume)
answers = IO.new(3, 'w')
answers.sync = true
requests = 0
answers.puts('{"ok":true}') if ENV['OW_WAIT_FOR_ACK']
while (line = $stdin.gets)
  requests += 1
  changed = waiting.sum(&:resume)
  working = Array.new(50) { |seed| Fiber.new { descend(seed, 20) } }
  working.each(&:resume)
  changed += working.sum(&:resume)
  # Not in the warm-up: a thread that has ended stays for some seconds, to be taken again, and then ends by itself.
  changed += Thread.new { Fiber.new { hold(7) }.resume }.value if line.include?('thread')
  answers.puts(%({"changed":#{changed},"requests":#{requests},"pid":#{Process.pid}}))
end
