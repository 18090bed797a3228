/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xml_cdr by Expat. A document type is refused before anything of it is read,
 * so there are no entities to expand or to fetch; depth and size are bounded.
 */
#include "base/base.h"

#include <expat.h>

#include "format/freeswitch.h"

#define FSXML_NAME_MAX 128 /* of an element; longer ones are none of ours */

struct freeswitch_xml {
	XML_Parser parser;
	struct freeswitch_record *to;
	unsigned depth; /* elements open, the outermost included */
	bool refused;
	char name[FREESWITCH_LEVELS][FSXML_NAME_MAX];
	struct slice key[FREESWITCH_LEVELS];
	size_t text_from; /* of the text in work, in to->text */
};

static void
fsxml_refuse(struct freeswitch_xml *x)
{
	x->refused = true;
	XML_StopParser(x->parser, XML_FALSE);
}

static void XMLCALL
fsxml_doctype(void *self, const XML_Char *name, const XML_Char *system_id,
    const XML_Char *public_id, int internal)
{
	(void)name;
	(void)system_id;
	(void)public_id;
	(void)internal;
	fsxml_refuse(self);
}

static void XMLCALL
fsxml_start(void *self, const XML_Char *name, const XML_Char **attributes)
{
	struct freeswitch_xml *x = self;
	size_t n = RT_MIN(strlen(name), (size_t)FSXML_NAME_MAX);

	(void)attributes;
	if (x->depth == FREESWITCH_LEVELS) {
		fsxml_refuse(x);
		return;
	}
	memcpy(x->name[x->depth], name, n);
	x->key[x->depth] = (struct slice){x->name[x->depth], n};
	x->depth++;
	x->text_from = x->to->text.n;
}

static void XMLCALL
fsxml_text(void *self, const XML_Char *text, int n)
{
	struct freeswitch_xml *x = self;

	if (x->refused)
		return;
	memcpy(freeswitch_text_room(&x->to->text, (size_t)n), text, (size_t)n);
	x->to->text.n += (size_t)n;
}

static void XMLCALL
fsxml_end(void *self, const XML_Char *name)
{
	struct freeswitch_xml *x = self;
	struct slice value = {
	    x->to->text.p + x->text_from, x->to->text.n - x->text_from};

	(void)name;
	if (x->refused)
		return;
	/* the outermost element is no key */
	if (x->depth > 1)
		freeswitch_take_path(x->to, x->key + 1, x->depth - 1, value);
	x->depth--;
	x->text_from = x->to->text.n;
}

struct freeswitch_xml *
freeswitch_xml_new(void)
{
	struct freeswitch_xml *x = mem_zalloc(sizeof(*x));

	x->parser = XML_ParserCreate(NULL);
	if (x->parser == NULL)
		BUG("no memory for Expat");
	return x;
}

void
freeswitch_xml_free(struct freeswitch_xml *x)
{
	XML_ParserFree(x->parser);
	free(x);
}

bool
freeswitch_xml(
    struct freeswitch_xml *x, struct freeswitch_record *r, struct slice text)
{
	x->to = r;
	x->depth = 0;
	x->refused = false;
	XML_ParserReset(x->parser, NULL);
	XML_SetUserData(x->parser, x);
	XML_SetElementHandler(x->parser, fsxml_start, fsxml_end);
	XML_SetCharacterDataHandler(x->parser, fsxml_text);
	XML_SetStartDoctypeDeclHandler(x->parser, fsxml_doctype);
	return XML_Parse(x->parser, text.p, (int)text.n, 1) == XML_STATUS_OK &&
	    !x->refused;
}
