import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A private mapping of a file, written by requests, and a new one made by each. */
final class MappedFile extends Victim {
    private final Path path = Files.createTempFile(Path.of(System.getenv("TMPDIR")), "victim", ".bin");
    private final MappedByteBuffer early;
    private int made;

    MappedFile() throws Exception {
        Files.write(path, new byte[1 << 16]);
        early = map();
    }

    private MappedByteBuffer map() throws Exception {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            return channel.map(FileChannel.MapMode.PRIVATE, 0, 1 << 16);
        }
    }

    @Override
    String handle(String secret) throws Exception {
        String seen = "{\"early\":" + early.get(5000) + ",\"made\":" + made++ + "}";
        early.put(5000, (byte) secret.charAt(0));
        map().put(0, (byte) secret.charAt(0));
        return seen;
    }

    public static void main(String[] arguments) throws Exception {
        new MappedFile().run();
    }
}
