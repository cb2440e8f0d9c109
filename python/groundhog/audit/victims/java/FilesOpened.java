import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Files left open, and how far one of the start has been read. */
final class FilesOpened extends Victim {
    private final List<RandomAccessFile> kept = new ArrayList<>();
    private final RandomAccessFile early;

    FilesOpened() throws Exception {
        Path path = Files.createTempFile(Path.of(System.getenv("TMPDIR")), "victim", ".txt");
        Files.writeString(path, "x".repeat(5000));
        early = new RandomAccessFile(path.toFile(), "r");
    }

    private static int open() {
        return new java.io.File("/proc/self/fd").list().length;
    }

    private final int atStart = open();

    @Override
    String handle(String secret) throws Exception {
        String seen = "{\"open\":" + (open() - atStart) + ",\"kept\":" + kept.size() + ",\"at\":"
                + early.getFilePointer() + "}";
        kept.add(new RandomAccessFile("/proc/self/status", "r"));
        early.skipBytes(7);
        return seen;
    }

    public static void main(String[] arguments) throws Exception {
        new FilesOpened().run();
    }
}
