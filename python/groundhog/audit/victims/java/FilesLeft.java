import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A file that grows, and a temporary one that nobody removes. */
final class FilesLeft extends Victim {
    private final Path folder = Path.of(System.getenv("TMPDIR"));
    private final Path log = folder.resolve("victim.log");

    FilesLeft() throws Exception {
        Files.writeString(log, "begun\n");
    }

    @Override
    String handle(String secret) throws Exception {
        long files;
        try (var names = Files.list(folder)) {
            files = names.count();
        }
        String seen = "{\"size\":" + Files.size(log) + ",\"files\":" + files + "}";
        Files.writeString(log, secret, StandardOpenOption.APPEND);
        Files.writeString(Files.createTempFile(folder, "victim", ".tmp"), secret);
        return seen;
    }

    public static void main(String[] arguments) throws Exception {
        new FilesLeft().run();
    }
}
