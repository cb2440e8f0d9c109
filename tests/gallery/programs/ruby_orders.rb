# frozen_string_literal: true

# A function in Ruby: globals, fibers, threads, files, a child.
require 'digest'
require 'json'
require 'tmpdir'

$orders = []
folder = Dir.mktmpdir
answers = IO.new(3, 'w')
answers.sync = true
answers.puts('{"ok":true}') if ENV['OW_WAIT_FOR_ACK']
while (line = $stdin.gets)
  n = JSON.parse(line)['value']['n']
  $orders << n
  File.open(File.join(folder, 'orders'), 'a') { |file| file.puts(n) }
  doubled = Array.new(n) { |i| Thread.new { i * 2 } }.map(&:value)
  numbers = Fiber.new { n.times { |i| Fiber.yield(i) } }
  answers.puts(JSON.generate(
                 orders: $orders, lines: File.readlines(File.join(folder, 'orders')).size, doubled: doubled,
                 first: numbers.resume, digest: Digest::SHA256.hexdigest(n.to_s), child: `echo #{n}`.strip
               ))
end
