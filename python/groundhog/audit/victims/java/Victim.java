import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/** ActionLoop for the Java victims: one line in, one line out, with no buffering of ours. */
abstract class Victim {
    /** Answers what earlier requests left, as JSON, and leaves the secret of this one. */
    abstract String handle(String secret) throws Exception;

    private static String secretOf(String line) {
        String key = "\"secret\":\"";
        int start = line.indexOf(key) + key.length();
        return line.substring(start, line.indexOf('"', start));
    }

    final void run() throws Exception {
        InputStream requests = new FileInputStream("/proc/self/fd/0");
        OutputStream answers = new FileOutputStream("/proc/self/fd/3");
        answers.write("{\"ok\":true}\n".getBytes(StandardCharsets.UTF_8));
        byte[] buffer = new byte[1 << 16];
        StringBuilder line = new StringBuilder();
        for (int count; (count = requests.read(buffer)) > 0; ) {
            line.append(new String(buffer, 0, count, StandardCharsets.UTF_8));
            if (line.charAt(line.length() - 1) == '\n') {
                String answer = handle(secretOf(line.toString()));
                line.setLength(0);
                answers.write((answer + "\n").getBytes(StandardCharsets.UTF_8));
            }
        }
    }
}
