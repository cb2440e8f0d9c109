import groundhog.Groundhog;
import java.io.*;
import java.net.*;
import java.nio.channels.*;
import java.nio.file.*;
import java.security.MessageDigest;
import java.util.*;
import java.util.concurrent.*;
import java.util.regex.*;

/** Copies and sends a file in each way that the JDK has; answers the digest of what arrived. */
public final class Copies {
    private interface Way {
        byte[] arrived(Path source) throws Exception;
    }

    private interface Sends {
        void to(SocketChannel near) throws Exception;
    }

    private interface Fills {
        void fill(Path target) throws Exception;
    }

    private Copies() {}

    private static byte[] copied(Fills fills) throws Exception {
        Path folder = Files.createTempDirectory("copies-");
        Path target = folder.resolve("copy");
        fills.fill(target);
        byte[] data = Files.readAllBytes(target);
        Files.delete(target);
        Files.delete(folder);
        return data;
    }

    /** What arrives at the other end of a connection; a thread of the request's reads it. */
    private static byte[] received(Sends sends) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(2);
        try (ServerSocketChannel server = ServerSocketChannel.open()) {
            server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
            SocketChannel near = SocketChannel.open(server.getLocalAddress());
            Future<byte[]> data = threads.submit(() -> {
                try (SocketChannel far = server.accept()) {
                    return far.socket().getInputStream().readAllBytes();
                }
            });
            try (near) {
                sends.to(near);
            }
            return data.get();
        } finally {
            threads.shutdown();
        }
    }

    private static void transfer(Path source, WritableByteChannel target) throws IOException {
        try (FileChannel file = FileChannel.open(source)) {
            for (long at = 0; at < file.size(); ) {
                at += file.transferTo(at, file.size() - at, target);
            }
        }
    }

    private static Map<String, Way> ways() {
        Map<String, Way> ways = new TreeMap<>();
        ways.put("Files.copy", source -> copied(target -> Files.copy(source, target)));
        ways.put("transferTo a file", source -> copied(target -> {
            try (FileChannel copy = FileChannel.open(target, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
                transfer(source, copy);
            }
        }));
        ways.put("transferTo a socket", source -> received(near -> transfer(source, near)));
        ways.put("InputStream.transferTo", source -> received(near -> {
            try (InputStream file = Files.newInputStream(source)) {
                file.transferTo(near.socket().getOutputStream());
            }
        }));
        ways.put("map", source -> {
            try (FileChannel file = FileChannel.open(source)) {
                byte[] data = new byte[(int) file.size()];
                file.map(FileChannel.MapMode.READ_ONLY, 0, data.length).get(data);
                return data;
            }
        });
        ways.put("threads", source -> {
            byte[][] data = new byte[4][];
            Thread[] threads = new Thread[data.length];
            for (int at = 0; at < threads.length; at++) {
                int mine = at;
                threads[at] = new Thread(() -> {
                    try {
                        data[mine] = Files.readAllBytes(source);
                    } catch (IOException error) {
                        throw new UncheckedIOException(error);
                    }
                });
                threads[at].start();
            }
            for (Thread thread : threads) {
                thread.join();
            }
            return data[3];
        });
        ways.put("ProcessBuilder", source -> {
            Process process = new ProcessBuilder("cat", source.toString()).start();
            byte[] data = process.getInputStream().readAllBytes();
            process.waitFor();
            return data;
        });
        return ways;
    }

    private static String member(String request, String name) {
        Matcher found = Pattern.compile("\"" + name + "\":\\s*\\[?\"([^\"]*)\"").matcher(request);
        return found.find() ? found.group(1) : null;
    }

    public static void main(String[] arguments) {
        Groundhog.serve(request -> {
            Path source = Path.of(member(request, "source"));
            if (member(request, "write") != null) {
                Files.writeString(source, member(request, "write").repeat(100_000));
            }
            StringJoiner digests = new StringJoiner(",");
            for (Map.Entry<String, Way> way : ways().entrySet()) {
                String only = member(request, "ways");
                if (only == null || only.equals(way.getKey())) {
                    byte[] sum = MessageDigest.getInstance("SHA-256").digest(way.getValue().arrived(source));
                    digests.add("\"" + way.getKey() + "\":\"" + HexFormat.of().formatHex(sum) + "\"");
                }
            }
            return "{\"digests\":{" + digests + "},\"pid\":" + ProcessHandle.current().pid() + "}";
        });
    }
}
