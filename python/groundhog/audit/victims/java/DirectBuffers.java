import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;
import java.util.zip.Deflater;

/** Memory outside of the heap: a direct buffer that is used again, a compressor half-way, a running checksum. */
final class DirectBuffers extends Victim {
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 16);
    private final Deflater deflater = new Deflater();
    private final CRC32 sum = new CRC32();

    @Override
    String handle(String secret) {
        byte[] found = new byte[secret.length()];
        buffer.get(100, found);
        String text = new String(found, StandardCharsets.ISO_8859_1).replace("\0", "");
        String seen = "{\"holds\":\"" + text + "\",\"position\":" + buffer.position() + ",\"deflated\":"
                + deflater.getBytesRead() + ",\"sum\":" + sum.getValue() + "}";
        byte[] bytes = secret.getBytes(StandardCharsets.ISO_8859_1);
        buffer.put(100, bytes);
        buffer.position((buffer.position() + 1) % 1000);
        deflater.setInput(bytes);
        deflater.deflate(new byte[1000], 0, 1000, Deflater.SYNC_FLUSH);
        sum.update(bytes);
        return seen;
    }

    public static void main(String[] arguments) throws Exception {
        new DirectBuffers().run();
    }
}
