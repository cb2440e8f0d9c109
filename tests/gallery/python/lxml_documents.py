"""A document that is parsed, searched, and transformed by a style sheet of the load time."""

from lxml import etree

STYLE = """<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:template match="/"><ul><xsl:apply-templates select="//b"/></ul></xsl:template>
<xsl:template match="b"><li><xsl:value-of select="@x"/></li></xsl:template>
</xsl:stylesheet>"""
transform = etree.XSLT(etree.fromstring(STYLE))


def main(params):
    items = "".join(f'<b x="{number}">text</b>' for number in range(params["n"] * 100))
    root = etree.fromstring(f"<a>{items}</a>")
    return {"found": len(root.xpath("//b[@x mod 2 = 0]")), "list": len(str(transform(root)))}
